// Which backend is made: by name, by the environment, and where the kernel refuses io_uring.
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

#include "loop/backend.hpp"
#include "loop/log.hpp"
#include "tests/support/backend_driver.hpp"
#include "tests/support/refuse_system_call.hpp"

namespace mayhem {
namespace {

using namespace test;

// What a child process saw when it made a backend; its exit status is the number of the first
// expectation that failed, or 0.
struct choice {
    explicit choice(backend_kind kind) {
        set_log_sink([this](const log_record& record) { lines.emplace_back(record.message); });
        auto made = make_backend(kind, driver.ready());
        if (made.has_value()) {
            driver.use(std::move(*made));
            name = driver->name();
        } else {
            error = made.error().value();
        }
    }
    ~choice() { set_log_sink({}); }
    choice(const choice&) = delete;
    choice& operator=(const choice&) = delete;

    [[nodiscard]] bool works() {
        test_operation op;
        op.prepare_nop();
        return driver.complete(op) == 0;
    }
    [[nodiscard]] bool said(std::string_view word) const {
        return lines.size() == 1 && lines.front().find(word) != std::string::npos;
    }

    backend_driver driver;
    std::vector<std::string> lines;
    std::string_view name;
    int error = 0;
};

TEST(backend_choice_test, names_are_parsed_and_others_are_answered_with_the_choices) {
    EXPECT_EQ(parse_backend("uring"), backend_kind::uring);
    EXPECT_EQ(parse_backend("io_uring"), backend_kind::uring);
    EXPECT_EQ(parse_backend("epoll"), backend_kind::epoll);
    EXPECT_EQ(parse_backend("sim"), backend_kind::sim);
    EXPECT_EQ(parse_backend("auto"), backend_kind::automatic);
    const auto wrong = parse_backend("kqueue");
    ASSERT_FALSE(wrong.has_value());
    EXPECT_NE(wrong.error().find("kqueue"), std::string::npos);
    EXPECT_NE(wrong.error().find("epoll"), std::string::npos);
}

TEST(backend_choice_test, a_refused_io_uring_is_told_once_with_its_remedy_and_epoll_serves) {
    const auto status = in_child([] {
        ::unsetenv("MAYHEM_BACKEND");
        if (!refuse_io_uring(EPERM)) return 1;
        choice first(backend_kind::automatic);
        if (first.name != "epoll") return 2;
        if (!first.said("MAYHEM_BACKEND=epoll")) return 3;
        if (!first.works()) return 4;
        const choice second(backend_kind::automatic);
        if (second.name != "epoll") return 5;
        return second.lines.empty() ? 0 : 6;
    });
    EXPECT_EQ(status, 0);
}

TEST(backend_choice_test, every_refusal_has_its_own_explanation) {
    struct {
        int error;
        std::string_view word;
    } const refusals[] = {
        {ENOSYS, "sandbox"}, {ENOMEM, "ulimit -l"}, {EMFILE, "ulimit -n"}, {ENODEV, "known"}};
    for (const auto& refusal : refusals) {
        const int status = in_child([&refusal] {
            ::unsetenv("MAYHEM_BACKEND");
            if (!refuse_io_uring(refusal.error)) return 1;
            choice made(backend_kind::automatic);
            return made.name == "epoll" && made.said(refusal.word) && made.works() ? 0 : 2;
        });
        EXPECT_EQ(status, 0) << refusal.word;
    }
}

TEST(backend_choice_test, io_uring_by_name_does_not_fall_back) {
    const int status = in_child([] {
        if (!refuse_io_uring(EPERM)) return 1;
        const choice made(backend_kind::uring);
        return made.name.empty() && made.error == EPERM && made.lines.empty() ? 0 : 2;
    });
    EXPECT_EQ(status, 0);
}

TEST(backend_choice_test, the_environment_chooses_for_automatic_only) {
    const int status = in_child([] {
        ::setenv("MAYHEM_BACKEND", "epoll", 1);
        if (choice(backend_kind::automatic).name != "epoll") return 1;
        if (!choice(backend_kind::automatic).lines.empty()) return 2;
        ::setenv("MAYHEM_BACKEND", "uring", 1);
        if (choice(backend_kind::epoll).name != "epoll") return 3;
        ::setenv("MAYHEM_BACKEND", "sim", 1);
        if (choice(backend_kind::automatic).name != "sim") return 8;
        ::setenv("MAYHEM_BACKEND", "uring", 1);
        if (!refuse_io_uring(EPERM)) return 4;
        if (choice(backend_kind::automatic).error != EPERM) return 5;
        ::setenv("MAYHEM_BACKEND", "kqueue", 1);
        const choice wrong(backend_kind::automatic);
        if (wrong.error != EINVAL) return 6;
        return wrong.said("kqueue") ? 0 : 7;
    });
    EXPECT_EQ(status, 0);
}

TEST(backend_choice_test, without_lockable_memory_there_is_a_backend_that_works) {
    const int status = in_child([] {
        ::unsetenv("MAYHEM_BACKEND");
        const rlimit none{0, 0};
        if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 1;
        choice made(backend_kind::automatic);
        return made.works() ? 0 : 2;
    });
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mayhem
