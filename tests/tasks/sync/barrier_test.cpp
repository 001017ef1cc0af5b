// barrier: groups pass together, and one task's misfortune leaves the others consistent.
#include "tasks/sync/barrier.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(barrier, lets_the_group_through_when_it_is_complete) {
    barrier gate(3);
    auto first = create_task(gate.wait());
    auto second = create_task(gate.wait());
    co_await ticks(5);
    EXPECT_EQ(gate.n_waiting(), 2U);
    EXPECT_FALSE(first.done());
    EXPECT_EQ(co_await gate.wait(), 2U);
    EXPECT_EQ(co_await first, 0U);
    EXPECT_EQ(co_await second, 1U);
    EXPECT_EQ(gate.n_waiting(), 0U);
}

CO_TEST(barrier, can_be_used_again_and_again) {
    barrier gate(2);
    std::vector<int> rounds;
    auto body = [&]() -> coro<> {
        for (int round = 0; round < 3; ++round) {
            co_await gate.wait();
            rounds.push_back(round);
        }
    };
    co_await gather(body(), body());
    EXPECT_EQ(rounds, (std::vector{0, 0, 1, 1, 2, 2}));
}

CO_TEST(barrier, a_task_too_many_waits_for_the_next_group) {
    barrier gate(2);
    auto first = create_task(gate.wait());
    auto second = create_task(gate.wait());
    auto third = create_task(gate.wait());
    co_await gather(first, second);
    co_await ticks(5);
    EXPECT_FALSE(third.done());
    EXPECT_EQ(gate.n_waiting(), 1U);
    co_await gate.wait();
    EXPECT_EQ(co_await third, 0U);
}

CO_TEST(barrier, a_cancelled_waiter_leaves_room_for_another) {
    barrier gate(3);
    auto first = create_task(gate.wait());
    auto second = create_task(gate.wait());
    co_await ticks(3);
    first.cancel();
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_EQ(gate.n_waiting(), 1U);
    auto third = create_task(gate.wait());
    co_await ticks(5);
    EXPECT_FALSE(second.done()) << "two of three were let through";
    EXPECT_EQ(co_await gate.wait(), 2U);
    co_await gather(second, third);
    EXPECT_EQ(gate.n_waiting(), 0U);
}

CO_TEST(barrier, reset_sends_the_waiting_away_and_begins_anew) {
    barrier gate(3);
    auto first = create_task(gate.wait());
    auto second = create_task(gate.wait());
    co_await ticks(5);
    co_await gate.reset();
    CO_EXPECT_THROW(co_await first, broken_barrier);
    CO_EXPECT_THROW(co_await second, broken_barrier);
    EXPECT_FALSE(gate.broken());
    co_await gather(gate.wait(), gate.wait(), gate.wait());
}

CO_TEST(barrier, reset_while_draining_sends_the_rest_away_consistently) {
    barrier gate(2);
    auto first = create_task(gate.wait());
    co_await ticks(3);
    auto second = create_task(gate.wait());
    auto resetter = create_task(gate.reset());
    co_await gather(return_exceptions, first, second, resetter);
    // The last of the group needs nobody any more; the first was still on its way.
    EXPECT_EQ(co_await second, 1U);
    CO_EXPECT_THROW(co_await first, broken_barrier);
    EXPECT_FALSE(gate.broken());
    EXPECT_EQ(gate.n_waiting(), 0U);
    co_await gather(gate.wait(), gate.wait());
}

CO_TEST(barrier, abort_breaks_it_until_reset) {
    barrier gate(2);
    auto waiting = create_task(gate.wait());
    co_await ticks(3);
    co_await gate.abort();
    CO_EXPECT_THROW(co_await waiting, broken_barrier);
    EXPECT_TRUE(gate.broken());
    CO_EXPECT_THROW(co_await gate.wait(), broken_barrier);
    co_await gate.reset();
    EXPECT_FALSE(gate.broken());
    co_await gather(gate.wait(), gate.wait());
}

CO_TEST(barrier, without_parties_is_an_error) {
    CO_EXPECT_THROW(barrier(0), std::invalid_argument);
    EXPECT_EQ(barrier(3).parties(), 3U);
    co_return;
}

CO_TEST(barrier, that_dies_first_leaves_waiters_in_peace) {
    auto gate = std::make_unique<barrier>(2);
    auto waiting = create_task(gate->wait());
    co_await ticks(3);
    gate.reset();
    waiting.cancel();
    CO_EXPECT_THROW(co_await waiting, cancelled);
}

}  // namespace
