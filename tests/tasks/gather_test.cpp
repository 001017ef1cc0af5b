// gather: asyncio's rules for results, errors and cancellation, in all its forms.
#include "tasks/gather.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(gather, gives_results_in_argument_order) {
    const auto [slow, fast] = co_await gather(value_after(2s, 1), value_after(1s, 2));
    EXPECT_EQ(slow, 1);
    EXPECT_EQ(fast, 2);
}

CO_TEST(gather, of_a_vector_gives_a_vector_in_order) {
    std::vector<coro<int>> bodies;
    for (int i = 0; i < 20; ++i) bodies.push_back(value_after(std::chrono::seconds(20 - i), i));
    const std::vector<int> values = co_await gather(std::move(bodies));
    CO_ASSERT_EQ(values.size(), 20U);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i);
}

CO_TEST(gather, of_nothing_is_done_at_once) {
    bool other_ran = false;
    get_running_loop().call_soon([&] { other_ran = true; });
    const std::tuple<> nothing = co_await gather();
    std::ignore = nothing;
    EXPECT_TRUE((co_await gather(std::vector<coro<int>>())).empty());
    co_await gather(std::vector<coro<>>());
    EXPECT_FALSE(other_ran);
    co_await yield();
}

CO_TEST(gather, runs_its_arguments_concurrently) {
    const time_point before = get_running_loop().time();
    co_await gather(mayhem::sleep(1s), mayhem::sleep(1s), mayhem::sleep(1s));
    EXPECT_EQ(get_running_loop().time() - before, 1s);
}

CO_TEST(gather, takes_coroutines_tasks_futures_and_operations) {
    promise<int> source;
    queue<int> items;
    auto running = create_task(value_after(1s, 2));
    get_running_loop().call_later(2s, [&] { source.set_value(3); });
    items.put_nowait(4);
    const auto [a, b, c, d, e] =
        co_await gather(value_after(0s, 1), running, source.get_future(), items.get(), ticks(1));
    EXPECT_EQ(std::tuple(a, b, c, d), std::tuple(1, 2, 3, 4));
    static_assert(std::is_same_v<decltype(e), const std::monostate>);
    EXPECT_EQ(running.value(), 2);
}

CO_TEST(gather, takes_tasks_whose_type_is_not_known) {
    auto good = create_task(value_after(1s, 2));
    auto bad = create_task(fail_after(1s, "no"));
    std::vector<task_ref> others = all_tasks();
    std::erase(others, current_task());
    const std::vector<result<void>> outcomes = co_await gather(return_exceptions, others);
    CO_ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_TRUE(outcomes[0].has_value());
    EXPECT_STREQ(outcomes[1].failed_with<std::exception>()->what(), "no");
    CO_EXPECT_THROW(co_await gather(others), std::runtime_error);
    EXPECT_EQ(good.value(), 2);
}

coro<std::unique_ptr<int>> make_unique_int(int value) {
    co_await yield();
    co_return std::make_unique<int>(value);
}

CO_TEST(gather, moves_move_only_results) {
    auto running = create_task(make_unique_int(2));
    const auto [first, second] = co_await gather(make_unique_int(1), std::move(running));
    EXPECT_EQ(*first, 1);
    EXPECT_EQ(*second, 2);
    std::vector<task<std::unique_ptr<int>>> tasks;
    tasks.push_back(create_task(make_unique_int(3)));
    EXPECT_EQ(*(co_await gather(std::move(tasks)))[0], 3);
}

CO_TEST(gather, schedules_at_the_call) {
    std::vector<int> order;
    auto body = [&](int number) -> coro<> {
        order.push_back(number);
        co_return;
    };
    auto later = gather(body(1), body(2));
    co_await yield();
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_FALSE(later.done());
    co_await yield();
    EXPECT_TRUE(later.done());
    co_await std::move(later);
}

CO_TEST(gather, notices_a_child_that_is_done_before_the_next_one_runs) {
    std::vector<std::string> order;
    auto failed = create_task(fail_after(0s, "no"));
    co_await ticks(3);
    auto late = [&order]() -> coro<> {
        order.push_back("late");
        co_return;
    };
    auto starts_another = [&]() -> coro<> {
        create_task(late());
        co_return;
    };
    CO_EXPECT_THROW(co_await gather(failed, starts_another()), std::runtime_error);
    order.push_back("gather");
    co_await ticks(2);
    EXPECT_EQ(order, (std::vector<std::string>{"gather", "late"}));
}

CO_TEST(gather, the_awaiter_continues_two_ticks_after_the_last_child) {
    int tick = 0;
    int ended = 0;
    int continued = 0;
    auto child = [&]() -> coro<> {
        co_await yield();
        ended = tick;
    };
    auto parent = [&]() -> coro<> {
        co_await gather(child());
        continued = tick;
    };
    auto waiting = create_task(parent());
    for (; tick < 8; ++tick) co_await yield();
    EXPECT_TRUE(waiting.done());
    EXPECT_EQ(continued - ended, 2);
}

CO_TEST(gather, throws_the_first_error_at_once_and_the_others_go_on) {
    auto slow = create_task(value_after(10s, 1));
    const time_point before = get_running_loop().time();
    CO_EXPECT_THROW(co_await gather(slow, fail_after(1s, "no")), std::runtime_error);
    EXPECT_EQ(get_running_loop().time() - before, 1s);
    EXPECT_FALSE(slow.done());
    EXPECT_EQ(co_await slow, 1);
}

CO_TEST(gather, later_errors_of_siblings_count_as_seen) {
    CO_EXPECT_THROW(co_await gather(fail_after(1s, "first"), fail_after(2s, "second")),
                    std::runtime_error);
    co_await mayhem::sleep(3s);  // the second must not reach the exception handler
}

CO_TEST(gather, two_errors_in_one_tick_throw_the_first) {
    std::string what;
    try {
        co_await gather(fail_after(1s, "first"), fail_after(1s, "second"));
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    EXPECT_EQ(what, "first");
    co_await ticks(3);
}

CO_TEST(gather, with_return_exceptions_gives_every_outcome) {
    auto stopped = create_task(sleep_long());
    co_await yield();
    stopped.cancel();
    const auto [good, bad, gone] =
        co_await gather(return_exceptions, value_after(2s, 1), fail_after(1s, "no"), stopped);
    EXPECT_TRUE(good.has_value());
    EXPECT_TRUE(bad.exception());
    EXPECT_FALSE(is_cancelled(bad.exception()));
    EXPECT_TRUE(is_cancelled(gone.exception()));
}

CO_TEST(gather, of_a_vector_with_return_exceptions_gives_every_outcome) {
    std::vector<coro<int>> bodies;
    bodies.push_back(fail_after(1s, "no"));
    bodies.push_back(value_after(2s, 7));
    auto outcomes = co_await gather(return_exceptions, std::move(bodies));
    CO_ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_TRUE(outcomes[0].exception());
    EXPECT_EQ(outcomes[1].value(), 7);
}

CO_TEST(gather, a_child_that_is_cancelled_directly_cancels_the_awaiter_and_not_the_siblings) {
    auto victim = create_task(sleep_long());
    auto sibling = create_task(value_after(1s, 1));
    get_running_loop().call_soon([&] { victim.cancel(); });
    CO_EXPECT_THROW(co_await gather(victim, sibling), cancelled);
    EXPECT_FALSE(sibling.done());
    EXPECT_EQ(current_task().cancelling(), 0);
    EXPECT_EQ(co_await sibling, 1);
}

CO_TEST(gather, cancelling_the_awaiter_cancels_every_child) {
    auto first = create_task(sleep_long());
    auto second = create_task(sleep_long());
    auto body = [&]() -> coro<> { co_await gather(first, second); };
    auto parent = create_task(body());
    co_await ticks(2);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(first.is_cancelled());
    EXPECT_TRUE(second.is_cancelled());
}

CO_TEST(gather, cancelling_the_awaiter_of_outcomes_waits_for_every_child) {
    bool cleaned_up = false;
    auto slow_to_stop = [&]() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            // takes its time
        }
        co_await mayhem::sleep(5s);
        cleaned_up = true;
    };
    auto body = [&]() -> coro<> {
        co_await gather(return_exceptions, slow_to_stop(), sleep_long());
        ADD_FAILURE() << "the request to stop was dropped";
    };
    auto parent = create_task(body());
    co_await ticks(3);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(cleaned_up);
}

CO_TEST(gather, errors_that_were_collected_before_a_cancellation_count_as_seen) {
    auto body = []() -> coro<> {
        co_await gather(return_exceptions, fail_after(1s, "no"), value_after(3s, 1));
    };
    auto parent = create_task(body());
    co_await mayhem::sleep(2s);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);  // and nothing reaches the exception handler
}

CO_TEST(gather, children_that_swallow_the_cancellation_do_not_hide_it) {
    auto stubborn = []() -> coro<int> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            co_return 1;
        }
        co_return 0;
    };
    auto body = [&]() -> coro<> { co_await gather(stubborn(), stubborn()); };
    auto parent = create_task(body());
    co_await ticks(3);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
}

CO_TEST(gather, a_gathering_can_be_cancelled_by_hand) {
    auto child = create_task(sleep_long());
    auto all = gather(child);
    co_await yield();
    EXPECT_TRUE(all.cancel());
    CO_EXPECT_THROW(co_await std::move(all), cancelled);
    EXPECT_TRUE(child.is_cancelled());
}

CO_TEST(gather, the_same_task_three_times_runs_once_and_its_result_is_replicated) {
    int runs = 0;
    auto body = [&]() -> coro<std::string> {
        ++runs;
        co_return "a string that is long enough to be on the heap";
    };
    auto once = create_task(body());
    const auto [a, b, c] = co_await gather(once, once, once);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(a, b);
    EXPECT_EQ(b, c);
    EXPECT_EQ(once.value(), c);
    std::vector tasks{once, once, once};
    const auto moved = co_await gather(std::move(tasks));
    EXPECT_EQ(moved, (std::vector{a, a, a}));
}

CO_TEST(gather, many_of_the_same_task_in_a_vector_are_replicated) {
    auto once = create_task(value_after(1s, 3));
    std::vector<task<int>> tasks(100, once);
    tasks.push_back(create_task(value_after(2s, 4)));
    const auto values = co_await gather(tasks);
    CO_ASSERT_EQ(values.size(), 101U);
    EXPECT_EQ(values[99], 3);
    EXPECT_EQ(values[100], 4);
}

CO_TEST(gather, the_same_task_twice_with_a_move_only_result_is_an_error) {
    auto once = create_task(make_unique_int(1));
    auto copy = once;
    CO_EXPECT_THROW(co_await gather(std::move(once), std::move(copy)), std::logic_error);
}

CO_TEST(gather, keeps_the_results_of_tasks_in_an_lvalue_vector) {
    std::vector<task<std::string>> tasks;
    auto body = []() -> coro<std::string> { co_return "a string on the heap, more or less"; };
    for (int i = 0; i < 3; ++i) tasks.push_back(create_task(body()));
    const auto values = co_await gather(tasks);
    EXPECT_EQ(values[2], tasks[2].value());
}

CO_TEST(gather, of_void_in_a_vector_gives_nothing) {
    std::vector<coro<>> bodies;
    bodies.push_back(ticks(1));
    static_assert(
        std::is_void_v<decltype((gather(std::move(bodies)).operator co_await()).await_resume())>);
    co_await gather(std::move(bodies));
}

coro<int&> refer_to(int& target) { co_return target; }

CO_TEST(gather, gives_references) {
    int first = 0;
    auto [target] = co_await gather(refer_to(first));
    target = 5;
    EXPECT_EQ(first, 5);
}

CO_TEST(gather, can_be_nested) {
    const auto [inner, last] =
        co_await gather(gather(value_after(1s, 1), value_after(2s, 2)), value_after(3s, 3));
    EXPECT_EQ(inner, std::tuple(1, 2));
    EXPECT_EQ(last, 3);
}

CO_TEST(gather, dropped_leaves_its_children_running) {
    auto child = create_task(value_after(1s, 1));
    {
        [[maybe_unused]] auto dropped = gather(child, ticks(1));
    }
    EXPECT_EQ(co_await child, 1);
    co_await ticks(3);
}

CO_TEST(gather, destroys_results_that_nobody_reads) {
    auto make = []() -> coro<live_object> { co_return live_object(1); };
    CO_EXPECT_THROW(co_await gather(make(), fail_after(0s, "no"), make()), std::runtime_error);
    co_await ticks(3);
    EXPECT_EQ(live_object::alive(), 0);
}

CO_TEST(gather, calls_back_when_it_is_done_before_the_awaiter_goes_on) {
    std::vector<std::string> order;
    auto both = gather(value_after(1s, 1), value_after(2s, 2));
    both.add_done_callback([&] { order.push_back("callback"); });
    co_await mayhem::sleep(1500ms);
    EXPECT_TRUE(order.empty());
    co_await std::move(both);
    order.push_back("awaiter");
    EXPECT_EQ(order, (std::vector<std::string>{"callback", "awaiter"}));
}

TEST(gather, that_is_pending_when_its_loop_closes_leaks_nothing) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
        auto body = [](live_object) -> coro<> {
            promise<> never;
            co_await gather(sleep_long(), never.get_future(), sleep_long());
        };
        create_task(loop, body(live_object()));
        for (int i = 0; i < 3; ++i) {
            loop.stop();
            loop.run_forever();
        }
        EXPECT_EQ(live_object::alive(), 1);
        loop.close();
        EXPECT_EQ(live_object::alive(), 0);
    });
}

}  // namespace
