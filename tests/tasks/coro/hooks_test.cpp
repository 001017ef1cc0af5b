// What the loop is told about errors that nobody looks at, and what debug mode says.
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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

/// Answers as it dies, as a guard that gives a lock back wakes whoever waits for it.
struct answer_at_the_end {
    promise<int> question;
    ~answer_at_the_end() {
        if (!question.done()) question.set_value(1);
    }
};

coro<> ask_nobody() { co_await promise<>().get_future(); }

coro<> answer_when_destroyed(promise<int> question) {
    const answer_at_the_end guard{std::move(question)};
    co_await ask_nobody();
}

coro<> await_what_dies_first() {
    promise<int> question;
    auto first = create_task(ask_nobody());
    auto answering = create_task(answer_when_destroyed(question));
    auto all = gather(first, answering, question.get_future());
    auto waits = create_task([](task<> other) -> coro<> { co_await other; }(first));
    first.add_done_callback([answering]() mutable { answering.cancel(); });
    co_await answer_when_destroyed(question);
}

TEST(hooks, what_is_woken_while_the_loop_closes_is_not_touched_after_its_death) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        const auto reports = watch_reports(loop);
        create_task(loop, await_what_dies_first());
        for (int tick = 0; tick < 3; ++tick) {
            loop.stop();
            loop.run_forever();
        }
        loop.close();
        EXPECT_EQ(reports->size(), 4U);  // each task was destroyed pending
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

CO_TEST(hooks, a_coroutine_that_was_never_awaited_is_named_once_in_debug_mode) {
    skip_check(check::never_awaited);  // it is what this test is about
    const log_capture log;
    {
        auto silent = sleep_long();  // not in debug mode
    }
    get_running_loop().set_debug(true);
    {
        auto forgotten = sleep_long();
        auto moved = std::move(forgotten);
    }
    EXPECT_EQ(log.count("was never awaited"), 1U);
    EXPECT_EQ(log.count("WARNING: coroutine 'mayhem::testing::sleep_long' was never awaited"), 1U);
    EXPECT_EQ(log.count("support.hpp:"), 1U);
    co_return;
}

CO_TEST(hooks, a_coroutine_that_was_awaited_or_closed_is_not_named) {
    const log_capture log;
    get_running_loop().set_debug(true);
    auto closed = sleep_long();
    closed.close();
    co_await ticks(1);
    co_await create_task(ticks(1));
    create_task(sleep_long()).cancel();  // never starts, but was not forgotten
    co_await ticks(3);
    EXPECT_EQ(log.count("was never awaited"), 0U);
}

/// Lets the loop's steps be measured by a clock that only this moves.
struct step_clock {
    explicit step_clock(event_loop& loop) {
        loop.set_step_clock([now = now] { return *now; });
    }
    void pass(duration time) const { *now += time; }
    std::shared_ptr<time_point> now = std::make_shared<time_point>(std::chrono::hours(1));
};

coro<> save(step_clock time) {
    co_await yield();
    time.pass(1310ms);
    co_await yield();
}

CO_TEST(hooks, a_slow_step_is_named_in_debug_mode_with_its_task_and_line) {
    const log_capture log;
    get_running_loop().set_debug(true);
    const unsigned second_await = __LINE__ - 6;
    co_await create_task(save(step_clock(get_running_loop())), "x");
    EXPECT_EQ(log.count("Executing"), 1U);
    EXPECT_EQ(log.count("WARNING: Executing <Task pending name='x' coro=<"), 1U);
    EXPECT_EQ(log.count("save() running at "), 1U);
    EXPECT_EQ(log.count("hooks_test.cpp:" + std::to_string(second_await) + ">"), 1U)
        << log.lines().back();
    EXPECT_EQ(log.count("> took 1.310 seconds"), 1U);
}

CO_TEST(hooks, a_slow_last_step_and_a_slow_done_callback_are_named) {
    const log_capture log;
    event_loop& loop = get_running_loop();
    loop.log_slow_callbacks(1s);
    const step_clock time(loop);
    auto end_slowly = [&time]() -> coro<> {
        time.pass(2s);
        co_return;
    };
    auto ending = create_task(end_slowly(), "slow end");
    ending.add_done_callback([&time] { time.pass(3s); });
    co_await ending;
    co_await ticks(1);
    EXPECT_EQ(log.count("Executing <Task finished name='slow end'"), 1U);
    EXPECT_EQ(log.count("Executing <Handle done callback created at "), 1U);
    EXPECT_EQ(log.count("took 3.000 seconds"), 1U);
}

CO_TEST(hooks, in_debug_mode_an_error_report_tells_where_the_task_was_created) {
    const log_capture log;
    get_running_loop().set_exception_handler({});
    get_running_loop().set_debug(true);
    create_task(fail_after(0s, "lost"), "loser");
    const unsigned here = __LINE__ - 1;
    co_await ticks(3);
    EXPECT_EQ(log.count("ERROR: Task exception was never retrieved\n  <Task finished name='loser'"),
              1U);
    EXPECT_EQ(log.count("\nsource_traceback: Object created at (most recent call last):\n"), 1U);
    EXPECT_EQ(log.count("hooks_test.cpp\", line " + std::to_string(here) + ", in "), 1U);
    EXPECT_EQ(log.count("\n  exception: lost"), 1U);
}

CO_TEST(hooks, in_debug_mode_a_future_tells_where_it_was_created) {
    const auto reports = watch_reports(get_running_loop());
    get_running_loop().set_debug(true);
    promise<int>().set_exception(std::make_exception_ptr(std::runtime_error("lost")));
    CO_ASSERT_EQ(reports->size(), 1U);
    EXPECT_NE(reports->front().source_traceback.find("hooks_test.cpp"), std::string::npos);
}

TEST(hooks, every_task_that_a_closing_loop_destroys_is_reported_once) {
    for_each_backend([](backend_kind kind) {
        event never;
        loop_options options = test_options(kind).loop;
        options.debug = true;
        event_loop loop(options);
        const auto reports = watch_reports(loop);
        auto wait_here = [](event& for_what) -> coro<> { co_await for_what.wait(); };
        auto first = create_task(loop, wait_here(never), "first");
        create_task(loop, wait_here(never), "second");
        loop.stop();
        loop.run_forever();
        create_task(loop, wait_here(never), "third, never started");
        loop.close();
        loop.close();
        ASSERT_EQ(reports->size(), 3U);
        for (const auto& report : *reports) {
            EXPECT_EQ(report.message, "Task was destroyed but it is pending!");
            EXPECT_NE(report.source_traceback.find("Object created at"), std::string::npos);
            EXPECT_NE(report.source_traceback.find("hooks_test.cpp"), std::string::npos);
        }
        EXPECT_TRUE(first.is_cancelled());
    });
}

CO_TEST(hooks, a_task_names_its_creation_site_in_debug_mode) {
    get_running_loop().set_debug(true);
    auto made = create_task(ticks(1));
    const unsigned here = __LINE__ - 1;
    EXPECT_NE(made.describe().find("created at"), std::string::npos);
    EXPECT_NE(made.describe().find("hooks_test.cpp:" + std::to_string(here)), std::string::npos)
        << made.describe();
    co_await made;
}

}  // namespace
