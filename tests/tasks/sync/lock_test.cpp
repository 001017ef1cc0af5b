// lock: fair hand-over, whatever happens to those who wait.
#include "tasks/sync/lock.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
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

coro<> take(lock& target, trace& said, std::string name) {
    const auto held = co_await target.acquire_guard();
    said.push_back(name);
    co_await yield();
}

CO_TEST(lock, is_held_by_one_at_a_time_in_the_order_of_asking) {
    lock target;
    int inside = 0;
    std::vector<int> order;
    auto body = [&](int number) -> coro<> {
        const auto held = co_await target.acquire_guard();
        EXPECT_EQ(++inside, 1);
        order.push_back(number);
        co_await ticks(2);
        --inside;
    };
    co_await gather(body(1), body(2), body(3));
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, free_lock_is_taken_without_suspending) {
    lock target;
    bool other_ran = false;
    get_running_loop().call_soon([&] { other_ran = true; });
    co_await target.acquire();
    EXPECT_FALSE(other_ran);
    EXPECT_TRUE(target.locked());
    EXPECT_FALSE(target.acquire_nowait());
    target.release();
    EXPECT_TRUE(target.acquire_nowait());
    target.release();
    co_await yield();
}

CO_TEST(lock, release_and_at_once_reacquire_lets_the_queued_waiter_be_first) {
    lock target;
    trace said;
    co_await target.acquire();
    auto queued = create_task(take(target, said, "queued"));
    co_await yield();
    target.release();
    EXPECT_FALSE(target.acquire_nowait());
    co_await target.acquire();
    said.push_back("again");
    target.release();
    co_await queued;
    EXPECT_EQ(said, (trace{"queued", "again"}));
}

CO_TEST(lock, a_waiter_that_was_handed_the_lock_and_is_cancelled_passes_it_on) {
    lock target;
    trace said;
    co_await target.acquire();
    auto first = create_task(take(target, said, "first"));
    auto second = create_task(take(target, said, "second"));
    co_await yield();
    target.release();  // to the first, which has not run yet
    first.cancel();
    co_await second;
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_EQ(said, trace{"second"});
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, a_last_waiter_that_was_handed_the_lock_and_is_cancelled_frees_it) {
    lock target;
    trace said;
    co_await target.acquire();
    auto only = create_task(take(target, said, "only"));
    co_await yield();
    target.release();
    only.cancel();
    CO_EXPECT_THROW(co_await only, cancelled);
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, a_cancelled_waiter_is_skipped) {
    lock target;
    trace said;
    co_await target.acquire();
    auto first = create_task(take(target, said, "first"));
    auto second = create_task(take(target, said, "second"));
    auto third = create_task(take(target, said, "third"));
    co_await yield();
    second.cancel();
    co_await yield();
    target.release();
    co_await gather(return_exceptions, first, second, third);
    EXPECT_EQ(said, (trace{"first", "third"}));
}

CO_TEST(lock, cancelled_and_released_in_one_tick_goes_to_the_next) {
    lock target;
    trace said;
    co_await target.acquire();
    auto first = create_task(take(target, said, "first"));
    auto second = create_task(take(target, said, "second"));
    co_await yield();
    first.cancel();
    target.release();
    co_await yield();
    EXPECT_TRUE(said.empty());  // the cancelled one passes it on, a tick later, as in asyncio
    co_await second;
    EXPECT_EQ(said, trace{"second"});
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, all_waiters_cancelled_and_released_in_one_tick_leave_it_free) {
    lock target;
    trace said;
    co_await target.acquire();
    auto first = create_task(take(target, said, "first"));
    auto second = create_task(take(target, said, "second"));
    co_await yield();
    first.cancel();
    second.cancel();
    target.release();
    co_await gather(return_exceptions, first, second);
    EXPECT_TRUE(said.empty());
    EXPECT_TRUE(target.acquire_nowait());
    target.release();
}

CO_TEST(lock, a_cancelled_waiter_does_not_wake_a_second_one_when_the_lock_was_retaken) {
    lock target;
    trace said;
    co_await target.acquire();
    auto first = create_task(take(target, said, "first"));
    co_await yield();
    first.cancel();
    target.release();
    co_await target.acquire();  // nobody else waits
    auto later = create_task(take(target, said, "later"));
    co_await ticks(3);
    EXPECT_TRUE(said.empty());
    target.release();
    co_await later;
    CO_EXPECT_THROW(co_await first, cancelled);
}

CO_TEST(lock, releasing_what_is_not_held_is_an_error) {
    lock target;
    CO_EXPECT_THROW(target.release(), std::logic_error);
    co_return;
}

CO_TEST(lock, guard_can_be_moved_and_released_early) {
    lock target;
    auto held = co_await target.acquire_guard();
    guard<lock> moved = std::move(held);
    EXPECT_FALSE(static_cast<bool>(held));
    EXPECT_TRUE(static_cast<bool>(moved));
    moved.release();
    EXPECT_FALSE(target.locked());
    moved = co_await target.acquire_guard();
    EXPECT_TRUE(target.locked());
    moved = guard<lock>();
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, guard_releases_when_its_holder_is_cancelled) {
    lock target;
    auto hold = [&]() -> coro<> {
        const auto held = co_await target.acquire_guard();
        co_await sleep_long();
    };
    auto holder = create_task(hold());
    co_await yield();
    EXPECT_TRUE(target.locked());
    holder.cancel();
    CO_EXPECT_THROW(co_await holder, cancelled);
    EXPECT_FALSE(target.locked());
}

CO_TEST(lock, that_dies_first_leaves_holder_and_waiters_in_peace) {
    auto target = std::make_unique<lock>();
    auto hold = [](lock& own) -> coro<> {
        const auto held = co_await own.acquire_guard();
        co_await sleep_long();
    };
    auto holder = create_task(hold(*target));
    auto waiter = create_task(hold(*target));
    auto stopped = create_task(hold(*target));
    co_await yield();
    stopped.cancel();
    target.reset();
    holder.cancel();
    waiter.cancel();
    co_await gather(return_exceptions, holder, waiter, stopped);
    EXPECT_TRUE(waiter.is_cancelled());
}

CO_TEST(lock, that_dies_right_after_a_hand_over_gives_an_empty_guard) {
    auto target = std::make_unique<lock>();
    co_await target->acquire();
    auto hold = [](lock& own) -> coro<bool> {
        const auto held = co_await own.acquire_guard();
        co_return static_cast<bool>(held);
    };
    auto waiter = create_task(hold(*target));
    co_await yield();
    target->release();
    target.reset();
    EXPECT_FALSE(co_await waiter);
}

}  // namespace
