// wait and as_completed: they look, and never cancel.
#include "tasks/wait.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

std::vector<task<int>> three_tasks() {
    return {create_task(value_after(3s, 3)), create_task(value_after(1s, 1)),
            create_task(value_after(2s, 2))};
}

CO_TEST(wait, for_all_gives_everything_as_done_in_argument_order) {
    const auto result = co_await mayhem::wait(three_tasks());
    CO_ASSERT_EQ(result.done.size(), 3U);
    EXPECT_TRUE(result.pending.empty());
    EXPECT_EQ(task<int>(result.done[0]).value(), 3);
}

CO_TEST(wait, for_the_first_leaves_the_others_pending) {
    auto tasks = three_tasks();
    auto [done, pending] = co_await mayhem::wait(tasks, return_when::first_completed);
    CO_ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0], tasks[1]);
    EXPECT_EQ(pending.size(), 2U);
    co_await mayhem::wait(tasks);
}

CO_TEST(wait, for_the_first_exception_is_not_ended_by_success_or_cancellation) {
    auto failing = create_task(fail_after(3s, "no"));
    auto stopped = create_task(value_after(10s, 0));
    auto good = create_task(value_after(1s, 1));
    auto slow = create_task(value_after(5s, 5));
    get_running_loop().call_later(2s, [&] { stopped.cancel(); });
    const std::vector tasks{failing, stopped, good, slow};
    const auto result = co_await mayhem::wait(tasks, return_when::first_exception);
    EXPECT_EQ(result.done, (std::vector{failing, stopped, good}));
    EXPECT_EQ(result.pending, std::vector{slow});
    CO_EXPECT_THROW(failing.value(), std::runtime_error);
    EXPECT_EQ(co_await slow, 5);
}

CO_TEST(wait, with_a_timeout_neither_throws_nor_cancels) {
    auto tasks = three_tasks();
    const auto result = co_await mayhem::wait(tasks, return_when::all_completed, 2500ms);
    EXPECT_EQ(result.done.size(), 2U);
    EXPECT_EQ(result.pending, std::vector{tasks[0]});
    EXPECT_EQ(co_await tasks[0], 3);
}

CO_TEST(wait, for_nothing_is_an_error) {
    CO_EXPECT_THROW(co_await mayhem::wait(std::vector<task<int>>()), std::invalid_argument);
}

CO_TEST(wait, does_not_throw_what_its_tasks_threw) {
    std::vector<task<int>> tasks{create_task(fail_after(1s, "no"))};
    const auto result = co_await mayhem::wait(tasks);
    EXPECT_EQ(result.done.size(), 1U);
    EXPECT_TRUE(tasks[0].exception());
}

CO_TEST(wait, cancelled_leaves_the_tasks_running) {
    auto tasks = three_tasks();
    auto waiter = create_task(mayhem::wait(tasks));
    co_await ticks(2);
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    for (auto& each : tasks) EXPECT_FALSE(each.done());
    co_await gather(tasks);
}

CO_TEST(wait, counts_the_same_task_once) {
    auto once = create_task(value_after(1s, 1));
    const std::vector tasks{once, once};
    const auto result = co_await mayhem::wait(tasks);
    EXPECT_EQ(result.done.size(), 1U);
}

CO_TEST(wait, takes_tasks_of_different_types) {
    std::vector<task_ref> tasks{create_task(value_after(1s, 1)), create_task(ticks(1))};
    EXPECT_EQ((co_await mayhem::wait(tasks)).done.size(), 2U);
}

CO_TEST(wait, for_what_is_done_already_takes_two_ticks) {
    auto done = create_task(ticks(0));
    co_await done;
    int tick = 0;
    auto body = [&]() -> coro<int> {
        const int before = tick;
        std::vector tasks{done};
        co_await mayhem::wait(std::move(tasks));
        co_return tick - before;
    };
    auto waiter = create_task(body());
    for (; tick < 5; ++tick) co_await yield();
    EXPECT_EQ(co_await waiter, 2);
}

CO_TEST(as_completed, gives_tasks_in_the_order_of_their_ends) {
    std::vector<int> order;
    auto stream = as_completed(three_tasks());
    for (;;) {
        auto next = co_await stream.next();
        if (!next) break;
        order.push_back(co_await *next);
    }
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_FALSE(co_await stream.next());
}

CO_TEST(as_completed, gives_the_very_tasks_that_were_passed) {
    auto tasks = three_tasks();
    auto stream = as_completed(tasks);
    EXPECT_EQ(co_await stream.next(), tasks[1]);
    co_await gather(tasks);
}

CO_TEST(as_completed, starts_coroutines) {
    std::vector<coro<int>> bodies;
    bodies.push_back(value_after(2s, 2));
    bodies.push_back(value_after(1s, 1));
    auto stream = as_completed(std::move(bodies));
    EXPECT_EQ(stream.left(), 2U);
    EXPECT_EQ((co_await stream.next())->value(), 1);
    EXPECT_EQ((co_await stream.next())->value(), 2);
}

CO_TEST(as_completed, can_be_left_and_resumed) {
    auto stream = as_completed(three_tasks());
    std::vector<int> order;
    auto first = co_await stream.next();
    order.push_back(first->value());
    co_await mayhem::sleep(5s);
    for (;;) {
        auto next = co_await stream.next();
        if (!next) break;
        order.push_back(next->value());
    }
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

CO_TEST(as_completed, can_be_dropped) {
    auto tasks = three_tasks();
    {
        auto stream = as_completed(tasks, 10s);
        co_await stream.next();
    }
    co_await gather(tasks);
}

CO_TEST(as_completed, can_be_dropped_while_a_result_is_on_its_way) {
    auto done = create_task(ticks(0));
    co_await done;
    {
        auto stream = as_completed(std::vector{done});
    }
    co_await ticks(3);
}

CO_TEST(as_completed, throws_for_each_task_that_is_late_and_cancels_none) {
    auto tasks = three_tasks();
    auto stream = as_completed(tasks, 1500ms);
    EXPECT_EQ((co_await stream.next())->value(), 1);
    CO_EXPECT_THROW(co_await stream.next(), timeout_error);
    CO_EXPECT_THROW(co_await stream.next(), timeout_error);
    EXPECT_FALSE(co_await stream.next());
    EXPECT_EQ(std::get<0>(co_await gather(tasks[0])), 3);
    co_await gather(tasks);
}

CO_TEST(as_completed, a_cancelled_next_has_taken_nothing) {
    auto stream = as_completed(three_tasks());
    CO_EXPECT_THROW(co_await wait_for(stream.next(), 500ms), timeout_error);
    EXPECT_EQ(stream.left(), 3U);
    EXPECT_EQ((co_await stream.next())->value(), 1);
    EXPECT_EQ((co_await stream.next())->value(), 2);
    EXPECT_EQ((co_await stream.next())->value(), 3);
}

CO_TEST(as_completed, serves_several_tasks) {
    auto stream = as_completed(three_tasks());
    const auto [a, b, c, none] =
        co_await gather(stream.next(), stream.next(), stream.next(), stream.next());
    EXPECT_EQ(task<int>(*a).value(), 1);
    EXPECT_EQ(task<int>(*c).value(), 3);
    EXPECT_FALSE(none);
}

CO_TEST(as_completed, of_nothing_is_at_its_end) {
    auto stream = as_completed(std::vector<task<int>>(), 1s);
    EXPECT_FALSE(co_await stream.next());
}

}  // namespace
