// Tasks: when they start and end, who they are, who waits for them.
#include "tasks/coro/task.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

using trace = std::vector<std::string>;

coro<> say(trace& said, std::string word) {
    said.push_back(word);
    co_return;
}

CO_TEST(task, starts_on_the_next_tick_and_in_order) {
    trace said;
    auto first = create_task(say(said, "first"));
    auto second = create_task(say(said, "second"));
    said.push_back("creator");
    co_await yield();
    EXPECT_EQ(said, (trace{"creator", "first", "second"}));
    EXPECT_TRUE(second.done());
    co_await first;
}

CO_TEST(task, awaiting_itself_is_an_error) {
    task<> self;
    auto body = [&]() -> coro<> { CO_EXPECT_THROW(co_await self, loop_error); };
    self = create_task(body());
    co_await self;
}

CO_TEST(task, many_may_await_one) {
    auto shared = create_task(value_after(1s, 7));
    auto reader = [](task<int> from) -> coro<int> { co_return co_await from; };
    auto first = create_task(reader(shared));
    auto second = create_task(reader(shared));
    EXPECT_EQ(co_await first, 7);
    EXPECT_EQ(co_await second, 7);
    EXPECT_EQ(co_await shared, 7);
    EXPECT_EQ(shared.value(), 7);
}

coro<std::unique_ptr<int>> make_unique_int() { co_return std::make_unique<int>(4); }

CO_TEST(task, gives_a_move_only_result_by_reference_or_by_move) {
    auto making = create_task(make_unique_int());
    std::unique_ptr<int>& stays = co_await making;
    EXPECT_EQ(*stays, 4);
    const std::unique_ptr<int> moved = co_await std::move(making);
    EXPECT_EQ(*moved, 4);
}

CO_TEST(task, can_be_awaited_without_its_type) {
    const task_ref good = create_task(value_after(1s, 1));
    const task_ref bad = create_task(fail_after(2s, "no"));
    co_await good;
    EXPECT_TRUE(good.done());
    CO_EXPECT_THROW(co_await bad, std::runtime_error);
}

CO_TEST(task, needs_no_handle_to_go_on) {
    trace said;
    create_task(say(said, "done"));
    co_await ticks(2);
    EXPECT_EQ(said, trace{"done"});
}

CO_TEST(task, current_task_is_right_after_every_resumption) {
    task_ref first;
    task_ref second;
    auto body = [](task_ref& own) -> coro<> {
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(current_task(), own);
            co_await yield();
        }
        EXPECT_EQ(current_task(), own);
    };
    first = create_task(body(first));
    second = create_task(body(second));
    const task_ref main = current_task();
    for (int i = 0; i < 4; ++i) {
        co_await yield();
        EXPECT_EQ(current_task(), main);
    }
    EXPECT_TRUE(second.done());
    EXPECT_NE(first, second);
}

CO_TEST(task, current_task_is_empty_in_callbacks) {
    bool was_empty = false;
    get_running_loop().call_soon([&] { was_empty = !current_task(); });
    co_await ticks(2);
    EXPECT_TRUE(was_empty);
}

TEST(result, tells_what_kind_of_failure_it_is) {
    const auto failed = result<int>::failure(std::make_exception_ptr(std::out_of_range("too far")));
    EXPECT_STREQ(failed.failed_with<std::logic_error>()->what(), "too far");
    EXPECT_EQ(failed.failed_with<std::runtime_error>(), nullptr);
    EXPECT_EQ(failed.failed_with<cancelled>(), nullptr);
    result<int> good;
    good.set_value(1);
    EXPECT_EQ(good.failed_with<std::exception>(), nullptr);
}

TEST(task, current_task_is_empty_without_a_loop) { EXPECT_FALSE(current_task()); }

CO_TEST(task, has_a_name) {
    auto named = create_task(ticks(1), "sweeper");
    auto unnamed = create_task(ticks(1));
    EXPECT_EQ(named.name(), "sweeper");
    EXPECT_EQ(unnamed.name(), "Task-" + std::to_string(unnamed.id()));
    unnamed.set_name("other");
    EXPECT_EQ(unnamed.name(), "other");
    co_await gather(named, unnamed);
}

CO_TEST(task, done_callbacks_run_on_the_tick_after_the_end_in_order) {
    trace said;
    auto ending = create_task(say(said, "body"));
    ending.add_done_callback([&] { said.push_back("first"); });
    ending.add_done_callback([&] { said.push_back("second"); });
    co_await yield();
    EXPECT_EQ(said, trace{"body"});
    co_await yield();
    EXPECT_EQ(said, (trace{"body", "first", "second"}));
    ending.add_done_callback([&] { said.push_back("late"); });
    EXPECT_EQ(said.size(), 3U);
    co_await yield();
    EXPECT_EQ(said.back(), "late");
}

CO_TEST(task, a_done_callback_may_add_another) {
    trace said;
    auto ending = create_task(say(said, "body"));
    ending.add_done_callback([&, ending]() mutable {
        said.push_back("outer");
        ending.add_done_callback([&] { said.push_back("inner"); });
    });
    co_await ticks(3);
    EXPECT_EQ(said, (trace{"body", "outer", "inner"}));
}

CO_TEST(task, result_of_a_pending_task_is_an_error) {
    auto pending = create_task(value_after(1s, 1));
    CO_EXPECT_THROW(pending.value(), invalid_state);
    EXPECT_EQ(co_await pending, 1);
}

CO_TEST(task, result_of_a_failed_task_throws_every_time) {
    auto failing = create_task(fail_after(0s, "no"));
    CO_EXPECT_THROW(co_await failing, std::runtime_error);
    CO_EXPECT_THROW(failing.value(), std::runtime_error);
    CO_EXPECT_THROW(co_await failing, std::runtime_error);
    EXPECT_TRUE(failing.done());
    EXPECT_FALSE(failing.is_cancelled());
}

CO_TEST(task, of_unknown_type_is_cancelled_with_who_awaits_it) {
    const task_ref inner = create_task(value_after(1s, 7));
    auto wait_for_it = [](task_ref other) -> coro<> { co_await other; };
    auto outer = create_task(wait_for_it(inner));
    co_await ticks(2);
    outer.cancel();
    CO_EXPECT_THROW(co_await outer, cancelled);
    EXPECT_TRUE(inner.is_cancelled());
}

CO_TEST(task, counts_requests_to_cancel_up_to_a_bound) {
    constexpr int countable = 65'535;
    auto target = create_task(sleep_long());
    co_await yield();
    for (int request = 0; request < countable + 10; ++request) target.cancel();
    EXPECT_EQ(target.cancelling(), countable);
    EXPECT_EQ(target.uncancel(), countable - 1);
    CO_EXPECT_THROW(co_await target, cancelled);
}

CO_TEST(task, knows_the_function_that_made_its_coroutine) {
    auto working = create_task(value_after(1s, 7), "a name");
    EXPECT_EQ(working.coro_name(), "mayhem::testing::value_after");
    co_await working;
    EXPECT_EQ(working.coro_name(), "mayhem::testing::value_after");
}

CO_TEST(task, all_tasks_lists_those_that_are_not_done) {
    auto sleeper = create_task(sleep_long(), "sleeper");
    auto short_one = create_task(ticks(1));
    EXPECT_EQ(all_tasks().size(), 3U);
    co_await short_one;
    const auto left = all_tasks();
    CO_ASSERT_EQ(left.size(), 2U);
    EXPECT_EQ(left[0], current_task());
    EXPECT_EQ(left[1].name(), "sleeper");
    sleeper.cancel();
    CO_EXPECT_THROW(co_await sleeper, cancelled);
}

coro<> inner_wait(event& never) { co_await never.wait(); }
coro<> outer_wait(event& never) { co_await inner_wait(never); }

CO_TEST(task, stack_names_function_file_and_line_of_every_suspended_frame) {
    event never;
    auto waiting = create_task(outer_wait(never), "waiter");
    co_await yield();
    const auto frames = waiting.get_stack();
    CO_ASSERT_EQ(frames.size(), 2U);
    EXPECT_NE(frames[0].function.find("outer_wait"), std::string::npos);
    EXPECT_NE(frames[1].function.find("inner_wait"), std::string::npos);
    EXPECT_EQ(frames[1].line + 1, frames[0].line);
    EXPECT_NE(std::string(frames[0].file).find("task_test.cpp"), std::string::npos);
    EXPECT_NE(waiting.describe().find("wait_for=event.wait"), std::string::npos);
    EXPECT_NE(waiting.format_stack().find("task_test.cpp\", line"), std::string::npos);
    never.set();
    co_await waiting;
    EXPECT_NE(waiting.format_stack().find("No stack for"), std::string::npos);
}

CO_TEST(task, describes_itself_as_asyncio_does) {
    auto described = create_task(value_after(1s, 1), "job");
    co_await yield();
    EXPECT_TRUE(described.describe().starts_with("<Task pending name='job' coro=<"));
    EXPECT_NE(described.describe().find("value_after() running at"), std::string::npos);
    described.cancel();
    EXPECT_TRUE(described.describe().starts_with("<Task cancelling name='job'"));
    CO_EXPECT_THROW(co_await described, cancelled);
    EXPECT_TRUE(described.describe().starts_with("<Task cancelled name='job'"));
}

CO_TEST(task, a_hundred_thousand_tasks_end) {
    int ended = 0;
    auto body = [&]() -> coro<> {
        co_await yield();
        ++ended;
    };
    std::vector<coro<>> bodies;
    for (int i = 0; i < 100'000; ++i) bodies.push_back(body());
    co_await gather(std::move(bodies));
    EXPECT_EQ(ended, 100'000);
}

TEST(task, cannot_be_created_on_a_closed_loop) {
    event_loop loop;
    loop.close();
    EXPECT_THROW(create_task(loop, ticks(1)), loop_closed);
}

// A frame's locals are destroyed by a closing loop after what the task waited for is.
TEST(task, no_longer_waits_when_its_loop_has_destroyed_it) {
    struct looks_at_itself {
        task<>& self;
        std::string& seen;
        ~looks_at_itself() {
            self.cancel();
            seen = self.describe();
        }
    };
    event_loop loop;
    loop.set_exception_handler([](event_loop&, const exception_context&) {});
    std::string seen;
    task<> closed;
    auto body = [&]() -> coro<> {
        const looks_at_itself guard{closed, seen};
        co_await sleep_long();
    };
    closed = create_task(loop, body());
    loop.stop();
    loop.run_forever();
    EXPECT_NE(closed.describe().find("wait_for="), std::string::npos);
    loop.close();
    EXPECT_TRUE(seen.starts_with("<Task cancelling name='Task-1'")) << seen;
    EXPECT_EQ(seen.find("wait_for="), std::string::npos);
    EXPECT_TRUE(closed.is_cancelled());
    EXPECT_EQ(closed.describe().find("wait_for="), std::string::npos);
}

TEST(task, cannot_be_created_without_a_loop) { EXPECT_THROW(create_task(ticks(1)), loop_error); }

}  // namespace
