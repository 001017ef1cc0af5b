// What the loop is told about errors that nobody looks at, and what debug mode says.
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

/// Collects what the exception handler of the running loop is told.
std::shared_ptr<std::vector<exception_context>> watch_reports(event_loop& loop) {
    auto reports = std::make_shared<std::vector<exception_context>>();
    loop.set_exception_handler(
        [reports](event_loop&, const exception_context& context) { reports->push_back(context); });
    return reports;
}

CO_TEST(hooks, a_failed_task_that_is_dropped_is_reported_once) {
    const auto reports = watch_reports(get_running_loop());
    {
        auto failing = create_task(fail_after(0s, "lost"), "loser");
        const auto copy = failing;
        co_await ticks(3);
        EXPECT_TRUE(reports->empty());
    }
    CO_ASSERT_EQ(reports->size(), 1U);
    EXPECT_EQ(reports->front().message, "Task exception was never retrieved");
    EXPECT_NE(reports->front().subject.find("loser"), std::string::npos);
    CO_EXPECT_THROW(std::rethrow_exception(reports->front().exception), std::runtime_error);
}

CO_TEST(hooks, a_failed_task_that_was_looked_at_is_not_reported) {
    const auto reports = watch_reports(get_running_loop());
    {
        auto failing = create_task(fail_after(0s, "seen"));
        co_await ticks(3);
        EXPECT_TRUE(failing.exception());
    }
    {
        auto failing = create_task(fail_after(0s, "awaited"));
        CO_EXPECT_THROW(co_await failing, std::runtime_error);
    }
    EXPECT_TRUE(reports->empty());
}

CO_TEST(hooks, a_cancelled_task_that_is_dropped_is_not_reported) {
    const auto reports = watch_reports(get_running_loop());
    create_task(sleep_long()).cancel();
    co_await ticks(3);
    EXPECT_TRUE(reports->empty());
}

CO_TEST(hooks, a_failed_future_that_is_dropped_is_reported_once) {
    const auto reports = watch_reports(get_running_loop());
    promise<int>().set_exception(std::make_exception_ptr(std::runtime_error("lost")));
    CO_ASSERT_EQ(reports->size(), 1U);
    EXPECT_EQ(reports->front().message, "Future exception was never retrieved");
}

TEST(hooks, a_pending_task_that_is_destroyed_is_reported_with_its_stack) {
    for_each_backend([](backend_kind kind) {
        event never;
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        const auto reports = watch_reports(loop);
        auto wait_here = [](event& for_what) -> coro<> { co_await for_what.wait(); };
        create_task(loop, wait_here(never), "forgotten");
        loop.stop();
        loop.run_forever();
        loop.close();
        ASSERT_EQ(reports->size(), 1U);
        EXPECT_EQ(reports->front().message, "Task was destroyed but it is pending!");
        EXPECT_NE(reports->front().subject.find("forgotten"), std::string::npos);
        EXPECT_NE(reports->front().subject.find("event.wait"), std::string::npos);
        EXPECT_NE(reports->front().subject.find("hooks_test.cpp"), std::string::npos);
    });
}

CO_TEST(hooks, an_exception_handler_that_throws_is_logged) {
    const log_capture log;
    get_running_loop().set_exception_handler(
        [](event_loop&, const exception_context&) { throw std::runtime_error("broken"); });
    create_task(fail_after(0s, "lost"));
    co_await ticks(3);
    EXPECT_EQ(log.count("Exception in the exception handler: broken"), 1U);
}

CO_TEST(hooks, a_done_callback_that_throws_is_reported_and_the_others_run) {
    const auto reports = watch_reports(get_running_loop());
    bool other_ran = false;
    auto ending = create_task(ticks(1));
    ending.add_done_callback([] { throw std::runtime_error("in callback"); });
    ending.add_done_callback([&] { other_ran = true; });
    co_await ticks(4);
    EXPECT_TRUE(other_ran);
    EXPECT_EQ(reports->size(), 1U);
}

TEST(hooks, a_coroutine_that_was_never_awaited_is_named_in_debug_mode) {
    const log_capture log;
    run_options options;
    options.loop.debug = true;
    auto forget = []() -> coro<> {
        {
            auto never = sleep_long();
        }
        co_return;
    };
    run(forget(), options);
    EXPECT_EQ(log.count("sleep_long' was never awaited"), 1U);
}

TEST(hooks, a_slow_step_is_named_in_debug_mode) {
    const log_capture log;
    run_options options;
    options.loop.debug = true;
    auto block = []() -> coro<> {
        get_running_loop().set_slow_callback_duration(1us);
        co_await yield();
        const auto until = mayhem::clock::now() + 10us;
        while (mayhem::clock::now() < until) continue;
        co_await yield();
    };
    run(block(), options);
    EXPECT_GE(log.count("Executing <Task pending name='main'"), 1U);
    EXPECT_GE(log.count("hooks_test.cpp"), 1U);
}

TEST(hooks, a_call_from_another_thread_is_refused_in_debug_mode) {
    run_options options;
    options.loop.debug = true;
    options.handle_interrupt = false;
    auto body = []() -> coro<> {
        event_loop& loop = get_running_loop();
        auto target = create_task(sleep_long());
        co_await yield();
        auto trespass = [&]() -> int {
            int refused = 0;
            const auto expect_refusal = [&](auto call) {
                try {
                    call();
                } catch (const loop_error&) {
                    ++refused;
                }
            };
            expect_refusal([&] { loop.call_soon([] {}); });
            expect_refusal([&] { create_task(loop, ticks(1)); });
            expect_refusal([&] { target.cancel(); });
            return refused;
        };
        EXPECT_EQ(co_await to_thread(trespass), 3);
        target.cancel();
        CO_EXPECT_THROW(co_await target, cancelled);
    };
    run(body(), options);
}

TEST(hooks, a_task_names_its_creation_site_in_debug_mode) {
    run_options options;
    options.loop.debug = true;
    auto body = []() -> coro<> {
        auto made = create_task(ticks(1));
        const unsigned here = __LINE__ - 1;
        EXPECT_NE(made.describe().find("created at"), std::string::npos);
        EXPECT_NE(made.describe().find("hooks_test.cpp:" + std::to_string(here)), std::string::npos)
            << made.describe();
        co_await made;
    };
    run(body(), options);
}

}  // namespace
