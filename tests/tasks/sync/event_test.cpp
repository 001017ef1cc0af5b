// event: everybody is woken, also when the flag is cleared at once.
#include "tasks/sync/event.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(event, set_wakes_all_waiters_in_order) {
    event happened;
    std::vector<int> order;
    auto waiter = [&](int number) -> coro<> {
        co_await happened.wait();
        order.push_back(number);
    };
    auto first = create_task(waiter(1));
    auto second = create_task(waiter(2));
    co_await yield();
    happened.set();
    EXPECT_TRUE(order.empty());
    co_await yield();
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_TRUE(second.done());
}

CO_TEST(event, wait_on_a_set_event_does_not_suspend) {
    event happened;
    happened.set();
    bool other_ran = false;
    get_running_loop().call_soon([&] { other_ran = true; });
    co_await happened.wait();
    EXPECT_FALSE(other_ran);
    EXPECT_TRUE(happened.is_set());
    co_await yield();
}

CO_TEST(event, set_and_cleared_before_the_waiter_runs_wakes_it_all_the_same) {
    event happened;
    auto waiter = create_task(happened.wait());
    co_await yield();
    happened.set();
    happened.clear();
    co_await waiter;
    EXPECT_FALSE(happened.is_set());
}

CO_TEST(event, a_cancelled_waiter_leaves_the_others_waiting) {
    event happened;
    auto first = create_task(happened.wait());
    auto second = create_task(happened.wait());
    co_await yield();
    first.cancel();
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_FALSE(second.done());
    happened.set();
    co_await second;
}

CO_TEST(event, a_waiter_cancelled_after_set_is_cancelled) {
    event happened;
    auto waiter = create_task(happened.wait());
    co_await yield();
    happened.set();
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
}

coro<> wait_for_event(event& happened) { co_await happened.wait(); }

CO_TEST(event, that_dies_first_leaves_waiters_that_can_be_cancelled) {
    auto happened = std::make_unique<event>();
    auto waiting = create_task(wait_for_event(*happened));
    co_await yield();
    happened.reset();
    co_await ticks(2);
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    CO_EXPECT_THROW(co_await waiting, cancelled);
}

CO_TEST(event, that_dies_after_set_has_woken_its_waiters) {
    auto happened = std::make_unique<event>();
    auto waiting = create_task(wait_for_event(*happened));
    co_await yield();
    happened->set();
    happened.reset();
    co_await waiting;
}

TEST(event, of_the_main_task_does_not_keep_its_waiters_from_ending_at_shutdown) {
    for_each_backend([](backend_kind kind) {
        const auto options = test_options(kind);
        task<> waiting;
        auto body = [](task<>& out) -> coro<> {
            event local;
            out = create_task(wait_for_event(local));
            co_await yield();
        };
        run(body(waiting), options);
        EXPECT_TRUE(waiting.is_cancelled());
    });
}

}  // namespace
