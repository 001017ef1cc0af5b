// A task that blocks its loop is reported while it does, with its async stack. The step waits for
// the report itself, not for time to pass.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

coro<std::string> block_until_reported(log_capture& log) {
    co_await yield();
    co_return log.wait_for("The event loop is stalled");
}

coro<std::string> call_something_that_blocks(log_capture& log) {
    co_return co_await block_until_reported(log);
}

CO_TEST(stall, the_report_names_the_task_and_every_awaiting_coroutine) {
    log_capture log;
    get_running_loop().watch_stalls(20ms);
    const std::string report = co_await create_task(call_something_that_blocks(log), "the culprit");
    get_running_loop().watch_stalls(0s);
    EXPECT_NE(report.find("stalled: <Task running name='the culprit'> has not returned for "),
              std::string::npos)
        << report;
    const std::size_t stack = report.find("Async stack (most recent call last):");
    const std::size_t outer = report.find("call_something_that_blocks", stack);
    const std::size_t inner = report.find("block_until_reported", stack);
    EXPECT_NE(stack, std::string::npos) << report;
    EXPECT_NE(outer, std::string::npos) << report;
    EXPECT_NE(inner, std::string::npos) << report;
    EXPECT_LT(outer, inner) << report;
    EXPECT_NE(report.find("stall_test.cpp\", line "), std::string::npos) << report;
    EXPECT_LT(inner, report.find("Native stack")) << report;
}

CO_TEST(stall, a_task_without_a_name_is_known_by_its_number) {
    log_capture log;
    get_running_loop().watch_stalls(20ms);
    auto nameless = create_task(block_until_reported(log));
    const std::string name = nameless.name();
    const std::string report = co_await nameless;
    get_running_loop().watch_stalls(0s);
    EXPECT_NE(report.find("<Task running name='" + name + "'>"), std::string::npos) << report;
}

TEST(stall, the_watchdogs_thread_does_not_hide_a_deadlock) {
    for_each_backend([](backend_kind kind) {
        run_options options = test_options(kind);
        options.loop.stall_watchdog = 1h;
        auto wait_for_nothing = []() -> coro<> {
            event never;
            co_await never.wait();
        };
        EXPECT_THROW(run(wait_for_nothing(), options), deadlock);
    });
}

}  // namespace
