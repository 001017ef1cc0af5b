// condition: the lock is given up during the wait and held after it, whatever ends the wait.
#include "tasks/sync/condition.hpp"

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

coro<> wait_once(condition& changed, std::vector<int>& order, int number) {
    const auto held = co_await changed.acquire_guard();
    co_await changed.wait();
    EXPECT_TRUE(changed.locked());
    order.push_back(number);
}

CO_TEST(condition, notify_wakes_as_many_as_asked_in_order) {
    condition changed;
    std::vector<int> order;
    std::vector<task<>> waiters;
    for (int i = 1; i <= 4; ++i) waiters.push_back(create_task(wait_once(changed, order, i)));
    co_await ticks(2);
    {
        const auto held = co_await changed.acquire_guard();
        changed.notify();
        changed.notify();
    }
    co_await ticks(5);
    EXPECT_EQ(order, (std::vector{1, 2}));
    {
        const auto held = co_await changed.acquire_guard();
        changed.notify_all();
    }
    co_await gather(waiters);
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
    EXPECT_FALSE(changed.locked());
}

CO_TEST(condition, wait_for_waits_until_the_predicate_is_true) {
    condition changed;
    int number = 0;
    auto is_two = [&] { return number == 2; };
    auto waiter = [&]() -> coro<> {
        const auto held = co_await changed.acquire_guard();
        EXPECT_TRUE(co_await changed.wait_for(is_two));
        EXPECT_EQ(number, 2);
    };
    auto waiting = create_task(waiter());
    for (int i = 0; i < 2; ++i) {
        co_await ticks(3);
        EXPECT_FALSE(waiting.done());
        const auto held = co_await changed.acquire_guard();
        ++number;
        changed.notify_all();
    }
    co_await waiting;
}

CO_TEST(condition, without_the_lock_wait_and_notify_are_errors) {
    condition changed;
    CO_EXPECT_THROW(co_await changed.wait(), std::logic_error);
    CO_EXPECT_THROW(changed.notify(), std::logic_error);
}

CO_TEST(condition, a_cancelled_waiter_holds_the_lock_again_before_it_sees_the_cancellation) {
    condition changed;
    bool held_in_cleanup = false;
    auto body = [&]() -> coro<> {
        const auto held = co_await changed.acquire_guard();
        try {
            co_await changed.wait();
        } catch (const cancelled&) {
            held_in_cleanup = changed.locked();
            throw;
        }
    };
    auto waiter = create_task(body());
    co_await ticks(2);
    co_await changed.acquire();
    waiter.cancel();
    co_await ticks(5);
    EXPECT_FALSE(waiter.done());  // it cannot end without the lock
    waiter.cancel();              // nor by being asked again
    co_await ticks(5);
    EXPECT_FALSE(waiter.done());
    changed.release();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    EXPECT_TRUE(held_in_cleanup);
    EXPECT_FALSE(changed.locked());
}

CO_TEST(condition, a_notified_waiter_that_is_cancelled_passes_the_notification_on) {
    condition changed;
    std::vector<int> order;
    auto first = create_task(wait_once(changed, order, 1));
    auto second = create_task(wait_once(changed, order, 2));
    co_await ticks(3);
    co_await changed.acquire();
    changed.notify();
    first.cancel();
    changed.release();
    co_await second;
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_EQ(order, std::vector{2});
}

CO_TEST(condition, several_can_share_one_lock) {
    lock shared;
    condition not_empty(shared);
    condition not_full(shared);
    co_await not_empty.acquire();
    EXPECT_TRUE(not_full.locked());
    not_full.release();
    EXPECT_FALSE(not_empty.locked());
}

CO_TEST(condition, that_dies_first_leaves_waiters_in_peace) {
    auto changed = std::make_unique<condition>();
    std::vector<int> order;
    auto waiter = create_task(wait_once(*changed, order, 1));
    co_await ticks(2);
    changed.reset();
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
}

coro<> wait_for_ever(condition& changed) {
    const auto held = co_await changed.acquire_guard();
    for (;;) {
        try {
            co_await changed.wait();
        } catch (const cancelled&) {
            continue;  // wrong, and survivable
        }
    }
}

TEST(condition, a_waiter_with_a_guard_can_be_destroyed_with_its_loop) {
    for_each_backend([](backend_kind kind) {
        condition changed;
        int reports = 0;
        runner own(test_options(kind));
        own.loop().set_exception_handler(
            [&reports](event_loop&, const exception_context&) { ++reports; });
        auto main = [&changed]() -> coro<> {
            auto stubborn = create_task(wait_for_ever(changed));
            co_await ticks(3);
        };
        own.run(main());
        own.close();
        EXPECT_EQ(reports, 1);
        EXPECT_FALSE(changed.locked());
    });
}

}  // namespace
