// One suite, every backend: the parameters for tests that must hold whatever serves them.
#pragma once

#include <expected>
#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "loop/epoll_backend.hpp"
#include "loop/ring.hpp"
#include "loop/sim_backend.hpp"
#include "loop/uring_backend.hpp"
#include "tests/support/backend_driver.hpp"
#include "tests/support/real_kernel_only.hpp"

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

/// Every rung of the ring's ladder, a ring in which hardly anything fits, epoll, and a simulated
/// kernel that behaves as kindly as real ones do on an idle machine: these tests count ticks.
inline auto every_backend() {
    using detail::ring_mode;
    const detail::ring_options tiny{.submission_entries = 2, .completion_entries = 4};
    return testing::Values(
        backend_variant{"uring", backend_kind::uring},
        backend_variant{
            "uring_cooperative", backend_kind::uring, {.best_mode = ring_mode::cooperative}},
        backend_variant{"uring_plain", backend_kind::uring, {.best_mode = ring_mode::plain}},
        backend_variant{"uring_tiny", backend_kind::uring, tiny},
        backend_variant{"epoll", backend_kind::epoll}, backend_variant{"sim", backend_kind::sim});
}

/// Makes the backend and drives it; skips where the kernel refuses io_uring.
class backend_suite : public testing::TestWithParam<backend_variant> {
  protected:
    [[nodiscard]] static std::expected<std::unique_ptr<backend>, std::error_code> make(
        ready_queue& ready) {
        switch (GetParam().kind) {
            case backend_kind::epoll:
                return epoll_backend::create(ready);
            case backend_kind::sim:
                return sim_backend::create(ready, sim_options::calm());
            default:
                return uring_backend::create(ready, GetParam().ring);
        }
    }

    void SetUp() override {
        auto made = make(driver.ready());
        if (!made.has_value()) GTEST_SKIP() << made.error().message();
        driver.use(std::move(*made));
    }

    [[nodiscard]] bool is_epoll() const { return GetParam().kind == backend_kind::epoll; }
    [[nodiscard]] bool is_uring() const { return GetParam().kind == backend_kind::uring; }
    [[nodiscard]] bool is_sim() const { return GetParam().kind == backend_kind::sim; }

    backend_driver driver;
};

}  // namespace mayhem::test
