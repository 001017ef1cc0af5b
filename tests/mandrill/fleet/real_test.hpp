// Tests with real processes: a real clock, every backend, and a look afterwards whether anything
// is left: a process, a zombie, a descriptor, a task.
//
//     REAL_TEST(fleet, a_restart_changes_the_process) {
//         fleet hosts(here.options());
//         co_await hosts.start();
//         ...
//         co_await hosts.stop();
//     }
//
// `here` is the test's own folder, with what the tests want to know of it. Nothing waits for a
// length of time: the limits in options() are far away, and only there to end a broken test.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <vector>

#include "loop/event_loop.hpp"
#include "mandrill/fleet/fleet_options.hpp"
#include "mandrill/fleet/host_lock.hpp"
#include "mandrill/fleet/ledger.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/run.hpp"
#include "tasks/sleep.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mandrill::test {

using namespace std::chrono_literals;
using mayhem::coro;

/// A file of that name in the folder makes hosts misbehave; see test_host.cpp.
inline constexpr const char* deadly = "deadly";
inline constexpr const char* paralysing = "paralysing";

/// The program that is a host.
inline std::string test_host() {
    const char* program = std::getenv("TEST_HOST");
    if (program == nullptr) throw std::runtime_error("TEST_HOST must name the test host");
    return program;
}

/// True while the process exists, be it as a zombie.
inline bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

class scene {
  public:
    explicit scene(mayhem::backend_kind backend) : backend_(backend) {
        ::setenv("TEST_HOST_DIES_OF", (folder_ / deadly).c_str(), 1);
        ::setenv("TEST_HOST_HANGS_ON", (folder_ / paralysing).c_str(), 1);
    }

    /// Two quick and obedient hosts.
    [[nodiscard]] fleet_options options() const {
        fleet_options made(folder_.path());
        made.hosts = 2;
        made.seed = 7;
        made.program = test_host();
        made.boot_delay_min = 0ms;
        made.boot_delay_max = 10ms;
        made.stubborn_every = 0;
        made.grace = 60s;
        made.health_limit = 60s;
        made.answer_limit = 10s;
        made.revive_pause = 10ms;
        made.orphan_after = 300s;
        return made;
    }

    /// A loop on the backend that is tested, with a real clock.
    [[nodiscard]] mayhem::run_options loop_options() const {
        mayhem::run_options made = mayhem::testing::test_options(backend_);
        made.loop.virtual_clock = false;
        return made;
    }

    [[nodiscard]] std::vector<boot_record> boots() const {
        return ledger(options().ledger_file()).read().boots;
    }
    [[nodiscard]] boot_record last_boot(const std::string& host) const {
        return last_boot_of(boots(), host).value();
    }
    /// The process that runs as `host`.
    [[nodiscard]] std::optional<pid_t> runs_as(const std::string& host) const {
        return host_lock::holder(host_lock_file(options().ledger_file(), host));
    }
    /// What sanitizers said in the hosts, if anything.
    [[nodiscard]] std::string complaints_of_hosts() const {
        std::ifstream in(folder_ / "errors.log");
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const bool is_alarming = text.find("Sanitizer") != text.npos ||
                                 text.find("runtime error") != text.npos ||
                                 text.find("invariant broken") != text.npos;
        return is_alarming ? text : "";
    }
    [[nodiscard]] const mayhem::test::scratch_folder& folder() const noexcept { return folder_; }

  private:
    mayhem::backend_kind backend_;
    mayhem::test::scratch_folder folder_;
};

/// Runs one body on one backend, and checks that it leaves nothing behind. `before`, if there is
/// one, comes first, and while there is no loop yet: it may fork.
inline void run_real_test(mayhem::backend_kind kind, coro<void> (*body)(scene&),
                          void (*before)(const scene&) = nullptr) {
    // Processes whose parent was killed become our children, so that we see what is left of them.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::size_t descriptors = mayhem::testing::open_descriptors();
    {
        scene here(kind);
        if (before != nullptr) before(here);
        mayhem::runner own(here.loop_options());
        own.loop().set_exception_handler([](mayhem::event_loop&, const auto& context) {
            ADD_FAILURE() << "The exception handler was called: " << context.message << "\n  "
                          << context.subject;
        });
        // Long before the test runner loses its patience, and with a hint.
        mayhem::handle alarm = own.loop().call_later(60s, [&own] {
            for (const mayhem::task_ref& task : mayhem::all_tasks(own.loop())) {
                ADD_FAILURE() << "The test hangs:\n" << task.format_stack();
                task.state()->cancel();
            }
        });
        try {
            own.run(body(here));
        } catch (const std::exception& error) {
            ADD_FAILURE() << "The test ended with: " << error.what();
        } catch (const mayhem::cancelled&) {
            ADD_FAILURE() << "The test was cancelled";
        }
        alarm.cancel();
        EXPECT_EQ(here.complaints_of_hosts(), "");
        for (const mayhem::task_ref& task : mayhem::all_tasks(own.loop())) {
            ADD_FAILURE() << "A task outlived the test:\n" << task.format_stack();
        }
        own.close();
    }
    EXPECT_EQ(mayhem::testing::open_descriptors(), descriptors) << "descriptors were leaked";
    // Dead orphans are ours to reap. A living one would be a host that nobody has stopped.
    pid_t child = 0;
    while ((child = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    EXPECT_TRUE(child == -1 && errno == ECHILD) << "a process is still running";
}

class real_test : public ::testing::TestWithParam<mayhem::backend_kind> {};

}  // namespace mandrill::test

/// Defines a test; see the top of this file. The second form runs a function before the loop is
/// made.
#define REAL_TEST(suite, name) REAL_TEST_AFTER(nullptr, suite, name)
#define REAL_TEST_AFTER(before, suite, name)                                                      \
    static ::mayhem::coro<void> suite##_##name(::mandrill::test::scene&);                         \
    TEST_P(suite, name) { ::mandrill::test::run_real_test(GetParam(), &suite##_##name, before); } \
    static ::mayhem::coro<void> suite##_##name(::mandrill::test::scene& here)

/// Names a suite of such tests, once in a file.
#define REAL_SUITE(suite)                                                     \
    class suite : public ::mandrill::test::real_test {};                      \
    INSTANTIATE_TEST_SUITE_P(                                                 \
        real, suite, ::testing::ValuesIn(::mayhem::testing::real_backends()), \
        [](const auto& one) { return ::mayhem::testing::backend_label(one.param); })
