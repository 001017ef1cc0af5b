// A loop that is stuck is reported while it is, and when, how often and as what. Each test that
// needs a loop runs on every backend.
#include "loop/stall_watchdog.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "loop/event_loop.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

class stall_watchdog_test : public test::loop_suite {
  protected:
    static loop_options watched() {
        loop_options made = with_virtual_clock();
        made.stall_watchdog = 20ms;
        return made;
    }

    void run_one_tick() {
        loop.stop();
        loop.run_forever();
    }

    log_capture log;
    event_loop loop{watched()};
};

TEST_P(stall_watchdog_test, a_stall_is_reported_while_it_lasts_with_the_native_stack) {
    std::string report;
    loop.call_soon([&] { report = log.wait_for("The event loop is stalled"); });
    run_one_tick();
    EXPECT_TRUE(report.starts_with("WARNING: The event loop is stalled: <Handle created at "))
        << report;
    EXPECT_NE(report.find("stall_watchdog_test.cpp"), std::string::npos) << report;
    EXPECT_NE(report.find("> has not returned for "), std::string::npos) << report;
    EXPECT_NE(report.find("Native stack (most recent call first):\n  #0 "), std::string::npos)
        << report;
    EXPECT_NE(report.find("libc.so"), std::string::npos) << report;  // where it blocks
    EXPECT_NE(report.find("loop_tests"), std::string::npos) << report;
}

std::string stalled_at(const std::source_location& where) {
    return fmt::format("stalled: <Handle created at {}:{}>", where.file_name(), where.line());
}

TEST_P(stall_watchdog_test, several_loops_are_watched_and_each_is_reported) {
    const auto here = std::source_location::current();
    const auto there = std::source_location::current();
    // Each loop blocks until both have been reported.
    const auto wait_for_both = [&] {
        EXPECT_NE(log.wait_for(stalled_at(here)), "");
        EXPECT_NE(log.wait_for(stalled_at(there)), "");
    };
    std::thread other([&] {
        event_loop own(watched());
        own.call_soon(wait_for_both, there);
        own.stop();
        own.run_forever();
    });
    loop.call_soon(wait_for_both, here);
    run_one_tick();
    other.join();
    EXPECT_GE(log.count(stalled_at(here)), 1U);
    EXPECT_GE(log.count(stalled_at(there)), 1U);
}

TEST_P(stall_watchdog_test, only_a_loop_that_is_in_a_step_is_stalled) {
    const time_point start{1h};
    detail::step_monitor monitor(20ms);
    const auto lasted_after_two_ticks = [&] {
        EXPECT_FALSE(monitor.look(start));
        EXPECT_FALSE(monitor.look(start + 10ms));
        return monitor.look(start + 20ms);
    };
    monitor.begin_step();
    EXPECT_FALSE(lasted_after_two_ticks()) << "its loop does not run";
    monitor.end_step();
    monitor.enter_thread(loop);
    EXPECT_FALSE(lasted_after_two_ticks()) << "it waits, between two steps";
    monitor.begin_step();
    EXPECT_EQ(lasted_after_two_ticks(), 20ms);
    monitor.end_step();
    EXPECT_FALSE(lasted_after_two_ticks());
    monitor.leave_thread();
}

TEST_P(stall_watchdog_test, the_watchdogs_thread_ends_with_the_last_watched_loop) {
    EXPECT_EQ(stall_watchdog::threads(), 1U);
    {
        loop_options patient = watched();
        patient.stall_watchdog = 1s;
        const event_loop other(patient);
        EXPECT_EQ(stall_watchdog::threads(), 1U);
    }
    EXPECT_EQ(stall_watchdog::threads(), 1U);
    loop.watch_stalls(0s);
    EXPECT_EQ(stall_watchdog::threads(), 0U);
}

TEST_P(stall_watchdog_test, the_environment_and_debug_mode_start_the_watchdog) {
    loop_options from_outside = with_virtual_clock();
    loop.close();
    const auto threads_with = [&](const char* environment, bool debug) {
        if (environment != nullptr) ::setenv("MAYHEM_STALL", environment, 1);
        from_outside.debug = debug;
        const event_loop made(from_outside);
        ::unsetenv("MAYHEM_STALL");
        return stall_watchdog::threads();
    };
    EXPECT_EQ(threads_with(nullptr, false), 0U);
    EXPECT_EQ(threads_with(nullptr, true), 1U);
    EXPECT_EQ(threads_with("70ms", false), 1U);
    EXPECT_EQ(threads_with("0", true), 0U);
    EXPECT_EQ(log.count("MAYHEM_STALL"), 0U);
    EXPECT_EQ(threads_with("soon", false), 0U);
    EXPECT_EQ(log.count("MAYHEM_STALL=soon is not understood"), 1U);
}

ON_EVERY_BACKEND(stall_watchdog_test);

// ---- When a stall is reported: without threads and without time -----------------------------

class stall_schedule : public ::testing::Test {
  protected:
    /// One tick after another within the same step; @returns what was reported, in milliseconds.
    std::vector<long> stall_for(duration lasts, duration every = detail::stall_schedule::tick) {
        std::vector<long> reports;
        step += 2;
        static_cast<void>(schedule.look(step, now));
        for (const time_point end = now + lasts; now < end;) {
            now += every;
            if (const auto lasted = schedule.look(step, now)) reports.push_back(*lasted / 1ms);
        }
        return reports;
    }

    detail::stall_schedule schedule{50ms};
    std::uint64_t step = 1;
    time_point now{1h};
};

TEST_F(stall_schedule, speaks_at_the_threshold_and_at_each_doubling) {
    EXPECT_EQ(stall_for(1s), (std::vector<long>{50, 100, 200, 400, 800}));
}

TEST_F(stall_schedule, speaks_at_most_five_times_a_minute_and_counts_the_rest) {
    EXPECT_EQ(stall_for(1s).size(), 5U);
    EXPECT_EQ(stall_for(200ms).size(), 0U);
    EXPECT_EQ(schedule.take_swallowed(), 3U);
    EXPECT_EQ(schedule.take_swallowed(), 0U);
    now += 1min;
    EXPECT_EQ(stall_for(60ms), std::vector<long>{50});
}

TEST_F(stall_schedule, begins_anew_with_each_step) {
    EXPECT_EQ(stall_for(40ms).size(), 0U);
    EXPECT_EQ(stall_for(40ms).size(), 0U);
    EXPECT_EQ(stall_for(50ms).size(), 1U);
}

TEST_F(stall_schedule, does_not_speak_between_steps) {
    step = 3;  // becomes even by stall_for: the loop waits, or is at work itself
    ++step;
    EXPECT_EQ(stall_for(1h, 1s).size(), 0U);
}

TEST_F(stall_schedule, time_in_which_the_watchdog_did_not_run_does_not_count) {
    EXPECT_EQ(stall_for(2h, 1h).size(), 0U);
}

}  // namespace
