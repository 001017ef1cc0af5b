// timeout: whose cancellation is whose, and what a body may do about it.
#include "tasks/timeout.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <vector>

#include "loop/loop_probe.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(timeout, gives_the_value_of_work_that_is_done_in_time) {
    EXPECT_EQ(co_await timeout(2s, value_after(1s, 7)), 7);
    EXPECT_EQ(current_task().cancelling(), 0);
}

CO_TEST(timeout, of_work_that_is_done_in_time_leaves_no_alarm_behind) {
    timeout_scope scope(get_running_loop().time() + 2s);
    co_await scope.run(ticks(1));
    EXPECT_FALSE(loop_probe(get_running_loop()).next_deadline()) << "it would ring for nobody";
}

CO_TEST(timeout, stops_work_that_takes_too_long) {
    const time_point before = get_running_loop().time();
    CO_EXPECT_THROW(co_await timeout(1s, sleep_long()), timeout_error);
    EXPECT_EQ(get_running_loop().time() - before, 1s);
    EXPECT_EQ(current_task().cancelling(), 0);
    co_await yield();
}

CO_TEST(timeout, runs_the_work_in_the_same_task) {
    const task_ref self = current_task();
    auto body = [&]() -> coro<> {
        EXPECT_EQ(current_task(), self);
        co_return;
    };
    co_await timeout(1s, body());
}

CO_TEST(timeout, passes_other_exceptions_on) {
    CO_EXPECT_THROW(co_await timeout(2s, fail_after(1s, "no")), std::runtime_error);
}

coro<> swallow() {
    try {
        co_await sleep_long();
    } catch (const cancelled&) {
        co_return;
    }
}

coro<> fail_on_cancel() {
    try {
        co_await sleep_long();
    } catch (const cancelled&) {
        throw std::logic_error("cleanup failed");
    }
}

CO_TEST(timeout, an_exception_of_the_cleanup_wins) {
    CO_EXPECT_THROW(co_await timeout(1s, fail_on_cancel()), std::logic_error);
    EXPECT_EQ(current_task().cancelling(), 0);
}

CO_TEST(timeout, a_body_that_swallows_the_cancellation_has_its_way) {
    timeout_scope scope(get_running_loop().time() + 1s);
    co_await scope.run(swallow());
    EXPECT_TRUE(scope.expired());
    EXPECT_EQ(current_task().cancelling(), 0);
}

CO_TEST(timeout, of_zero_without_an_await_is_no_error) {
    auto body = []() -> coro<int> { co_return 1; };
    EXPECT_EQ(co_await timeout(0s, body()), 1);
    co_await ticks(2);
}

CO_TEST(timeout, of_zero_ends_at_the_first_real_wait) {
    CO_EXPECT_THROW(co_await timeout(0s, ticks(1)), timeout_error);
    CO_EXPECT_THROW(co_await timeout(-1s, ticks(1)), timeout_error);
}

CO_TEST(timeout, that_is_not_a_number_is_rejected) {
    skip_check(check::never_awaited);  // the body that was refused
    CO_EXPECT_THROW(co_await timeout(std::chrono::duration<double>(std::nan("")), ticks(1)),
                    std::invalid_argument);
}

CO_TEST(timeout, nested_only_the_outer_converts_when_it_is_up_first) {
    timeout_scope outer(get_running_loop().time() + 1s);
    timeout_scope inner(get_running_loop().time() + 2s);
    CO_EXPECT_THROW(co_await outer.run(inner.run(sleep_long())), timeout_error);
    EXPECT_TRUE(outer.expired());
    EXPECT_FALSE(inner.expired());
}

CO_TEST(timeout, nested_only_the_inner_converts_when_it_is_up_first) {
    timeout_scope outer(get_running_loop().time() + 2s);
    timeout_scope inner(get_running_loop().time() + 1s);
    auto body = [&]() -> coro<> {
        CO_EXPECT_THROW(co_await inner.run(sleep_long()), timeout_error);
    };
    co_await outer.run(body());
    EXPECT_TRUE(inner.expired());
    EXPECT_FALSE(outer.expired());
}

CO_TEST(timeout, nested_with_equal_deadlines_only_the_outer_converts_and_both_expired) {
    const time_point when = get_running_loop().time() + 1s;
    timeout_scope outer(when);
    timeout_scope inner(when);
    bool inner_was_cancelled = false;
    auto body = [&]() -> coro<> {
        try {
            co_await inner.run(sleep_long());
        } catch (const cancelled&) {
            inner_was_cancelled = true;
            throw;
        }
    };
    CO_EXPECT_THROW(co_await outer.run(body()), timeout_error);
    EXPECT_TRUE(inner_was_cancelled);
    EXPECT_TRUE(outer.expired());
    EXPECT_TRUE(inner.expired());
    EXPECT_EQ(current_task().cancelling(), 0);
    co_await yield();  // nothing is left to be delivered
}

CO_TEST(timeout, foreign_cancel_before_the_deadline_is_a_cancellation) {
    auto limited = create_task(timeout(2s, sleep_long()));
    co_await mayhem::sleep(1s);
    limited.cancel();
    CO_EXPECT_THROW(co_await limited, cancelled);
    EXPECT_TRUE(limited.is_cancelled());
}

CO_TEST(timeout, foreign_cancel_in_the_tick_of_the_deadline_is_a_cancellation) {
    task<> limited;
    get_running_loop().call_later(1s, [&] { limited.cancel(); });
    limited = create_task(timeout(1s, sleep_long()));
    CO_EXPECT_THROW(co_await limited, cancelled);
    EXPECT_TRUE(limited.is_cancelled());
}

CO_TEST(timeout, foreign_cancel_during_the_cleanup_is_a_cancellation) {
    auto body = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            // cleans up
        }
        co_await mayhem::sleep(10s);
    };
    auto limited = create_task(timeout(1s, body()));
    co_await mayhem::sleep(2s);
    limited.cancel();
    CO_EXPECT_THROW(co_await limited, cancelled);
}

CO_TEST(timeout, a_result_in_the_tick_of_the_deadline_is_not_lost) {
    queue<int> items;
    auto limited = create_task(timeout(1s, items.get()));
    co_await ticks(2);
    get_running_loop().call_later(1s, [&] { items.put_nowait(1); });
    CO_EXPECT_THROW(co_await limited, timeout_error);
    EXPECT_EQ(co_await items.get(), 1);
}

CO_TEST(timeout, can_be_moved_while_the_work_runs) {
    skip_check(check::never_awaited);  // of the second run, which is refused
    event_loop& loop = get_running_loop();
    const time_point start = loop.time();
    timeout_scope scope(start + 1s);
    auto body = [&]() -> coro<> {
        EXPECT_EQ(scope.when(), start + 1s);
        scope.reschedule(start + 5s);
        co_await mayhem::sleep(3s);
        scope.reschedule(std::nullopt);
        co_await mayhem::sleep(10s);
        scope.reschedule(loop.time() - 1s);
        co_await sleep_long();
    };
    CO_EXPECT_THROW(co_await scope.run(body()), timeout_error);
    EXPECT_EQ(loop.time() - start, 13s);
    CO_EXPECT_THROW(scope.reschedule(start), std::logic_error);
    CO_EXPECT_THROW(co_await scope.run(ticks(1)), std::logic_error);
}

CO_TEST(timeout, without_a_deadline_there_is_no_limit) {
    timeout_scope scope;
    co_await scope.run(sleep_long());
    EXPECT_FALSE(scope.expired());
    co_await timeout_at(std::nullopt, sleep_long());
}

CO_TEST(timeout, at_a_time_point) {
    event_loop& loop = get_running_loop();
    const time_point when = loop.time() + 1s;
    CO_EXPECT_THROW(co_await timeout_at(when, sleep_long()), timeout_error);
    EXPECT_EQ(loop.time(), when);
}

CO_TEST(timeout, of_a_task_that_was_cancelled_before_counts_only_new_requests) {
    auto body = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            // goes on, with one request on its count
        }
        EXPECT_EQ(current_task().cancelling(), 1);
        CO_EXPECT_THROW(co_await timeout(1s, sleep_long()), timeout_error);
    };
    auto stubborn = create_task(body());
    co_await yield();
    stubborn.cancel();
    co_await stubborn;
}

CO_TEST(timeout, does_not_stop_the_awaited_task_of_somebody_else_twice) {
    auto shared = create_task(value_after(3s, 1));
    auto body = [&]() -> coro<> { co_await shared; };
    CO_EXPECT_THROW(co_await timeout(1s, body()), timeout_error);
    EXPECT_TRUE(shared.is_cancelled());
}

CO_TEST(timeout, and_sleep_with_equal_deadlines_end_in_the_order_in_which_they_began) {
    std::vector<int> order;
    auto limited = [&](int number) -> coro<> {
        CO_EXPECT_THROW(co_await timeout(1s, sleep_long()), timeout_error);
        order.push_back(number);
    };
    auto sleeper = [&](int number) -> coro<> {
        co_await mayhem::sleep(1s);
        order.push_back(number);
    };
    co_await gather(sleeper(1), limited(2), sleeper(3), limited(4));
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

}  // namespace
