// One suite, every backend: the parameters for tests that must hold whatever serves them.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "loop/epoll_backend.hpp"
#include "loop/ring.hpp"
#include "loop/uring_backend.hpp"
#include "tests/support/backend_driver.hpp"

namespace mayhem::test {

/// A backend in one of the ways in which it can run.
struct backend_variant {
    std::string_view name;
    backend_kind kind;
    detail::ring_options ring{};

    friend void PrintTo(const backend_variant& variant, std::ostream* out) { *out << variant.name; }
};

inline std::string name_of(const testing::TestParamInfo<backend_variant>& info) {
    return std::string(info.param.name);
}

/// Every rung of the ring's ladder, a ring in which hardly anything fits, and epoll.
inline auto every_backend() {
    using detail::ring_mode;
    const detail::ring_options tiny{.submission_entries = 2, .completion_entries = 4};
    return testing::Values(
        backend_variant{"uring", backend_kind::uring},
        backend_variant{
            "uring_cooperative", backend_kind::uring, {.best_mode = ring_mode::cooperative}},
        backend_variant{"uring_plain", backend_kind::uring, {.best_mode = ring_mode::plain}},
        backend_variant{"uring_tiny", backend_kind::uring, tiny},
        backend_variant{"epoll", backend_kind::epoll});
}

/// Makes the backend and drives it; skips where the kernel refuses io_uring.
class backend_suite : public testing::TestWithParam<backend_variant> {
  protected:
    void SetUp() override {
        auto made = GetParam().kind == backend_kind::epoll
                        ? epoll_backend::create(driver.ready())
                        : uring_backend::create(driver.ready(), GetParam().ring);
        if (!made.has_value()) GTEST_SKIP() << made.error().message();
        driver.use(std::move(*made));
    }

    [[nodiscard]] bool is_epoll() const { return GetParam().kind == backend_kind::epoll; }

    backend_driver driver;
};

}  // namespace mayhem::test
