// semaphore: permits are counted, handed over fairly, and never lost.
#include "tasks/sync/semaphore.hpp"

#include <gtest/gtest.h>
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

CO_TEST(semaphore, lets_as_many_in_as_it_has_permits) {
    semaphore target(2);
    int inside = 0;
    int most = 0;
    auto body = [&]() -> coro<> {
        const auto held = co_await target.acquire_guard();
        most = std::max(most, ++inside);
        co_await mayhem::sleep(1s);
        --inside;
    };
    std::vector<coro<>> bodies;
    for (int i = 0; i < 7; ++i) bodies.push_back(body());
    co_await gather(std::move(bodies));
    EXPECT_EQ(most, 2);
    EXPECT_EQ(target.value(), 2U);
}

CO_TEST(semaphore, without_permits_waits_for_a_release) {
    semaphore target(0);
    EXPECT_TRUE(target.locked());
    EXPECT_FALSE(target.acquire_nowait());
    auto waiter = create_task(target.acquire());
    co_await yield();
    EXPECT_FALSE(waiter.done());
    target.release();
    co_await waiter;
    EXPECT_EQ(target.value(), 0U);
}

CO_TEST(semaphore, release_and_at_once_reacquire_lets_the_queued_waiter_be_first) {
    semaphore target(1);
    std::vector<int> order;
    auto body = [&](int number) -> coro<> {
        const auto held = co_await target.acquire_guard();
        order.push_back(number);
    };
    co_await target.acquire();
    auto queued = create_task(body(1));
    co_await yield();
    target.release();
    EXPECT_FALSE(target.acquire_nowait());
    co_await body(2);
    co_await queued;
    EXPECT_EQ(order, (std::vector{1, 2}));
}

CO_TEST(semaphore, a_woken_waiter_that_is_cancelled_passes_the_permit_on) {
    semaphore target(0);
    auto first = create_task(target.acquire());
    auto second = create_task(target.acquire());
    co_await yield();
    target.release();
    first.cancel();
    co_await second;
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_EQ(target.value(), 0U);
}

CO_TEST(semaphore, a_last_woken_waiter_that_is_cancelled_gives_the_permit_back) {
    semaphore target(0);
    auto only = create_task(target.acquire());
    co_await yield();
    target.release();
    only.cancel();
    CO_EXPECT_THROW(co_await only, cancelled);
    EXPECT_EQ(target.value(), 1U);
}

CO_TEST(semaphore, a_cancelled_waiter_is_skipped) {
    semaphore target(0);
    auto first = create_task(target.acquire());
    auto second = create_task(target.acquire());
    co_await yield();
    first.cancel();
    target.release();
    co_await second;
    CO_EXPECT_THROW(co_await first, cancelled);
}

CO_TEST(semaphore, several_releases_wake_several_waiters) {
    semaphore target(0);
    auto first = create_task(target.acquire());
    auto second = create_task(target.acquire());
    co_await yield();
    target.release();
    target.release();
    target.release();
    co_await yield();
    EXPECT_TRUE(first.done());
    EXPECT_TRUE(second.done());
    EXPECT_EQ(target.value(), 1U);
    co_await gather(first, second);
}

CO_TEST(semaphore, bounded_refuses_one_release_too_many) {
    bounded_semaphore target(1);
    CO_EXPECT_THROW(target.release(), std::logic_error);
    co_await target.acquire();
    target.release();
    EXPECT_EQ(target.value(), 1U);
}

CO_TEST(semaphore, that_dies_first_leaves_holders_and_waiters_in_peace) {
    auto target = std::make_unique<semaphore>(1);
    auto hold = [](semaphore& own) -> coro<> {
        const auto held = co_await own.acquire_guard();
        co_await sleep_long();
    };
    auto holder = create_task(hold(*target));
    auto waiter = create_task(hold(*target));
    co_await yield();
    target.reset();
    holder.cancel();
    waiter.cancel();
    co_await gather(return_exceptions, holder, waiter);
    EXPECT_TRUE(holder.is_cancelled());
    EXPECT_TRUE(waiter.is_cancelled());
}

CO_TEST(semaphore, a_newcomer_waits_for_those_who_were_woken_before) {
    semaphore permits(0);
    std::vector<int> order;
    auto enter = [&](int number) -> coro<> {
        const auto held = co_await permits.acquire_guard();
        order.push_back(number);
    };
    auto first = create_task(enter(1));
    co_await ticks(2);
    permits.release();
    permits.release();
    EXPECT_EQ(permits.value(), 1U);
    EXPECT_TRUE(permits.locked());
    EXPECT_FALSE(permits.acquire_nowait());
    co_await enter(2);
    co_await first;
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_EQ(permits.value(), 2U);
}

}  // namespace
