// Futures and promises: values that somebody provides later.
#include "tasks/coro/future.hpp"

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

coro<int> read(future<int> from) { co_return co_await from; }

CO_TEST(future, wakes_everybody_who_waits_in_order) {
    promise<int> source;
    std::vector<int> order;
    auto waiter = [&](int number) -> coro<> {
        auto value = source.get_future();
        EXPECT_EQ(co_await value, 7);
        order.push_back(number);
    };
    auto first = create_task(waiter(1));
    auto second = create_task(waiter(2));
    co_await yield();
    source.set_value(7);
    EXPECT_TRUE(order.empty());
    co_await gather(first, second);
    EXPECT_EQ(order, (std::vector{1, 2}));
}

CO_TEST(future, that_is_done_does_not_suspend) {
    promise<int> source;
    source.set_value(1);
    bool other_ran = false;
    get_running_loop().call_soon([&] { other_ran = true; });
    EXPECT_EQ(co_await source.get_future(), 1);
    EXPECT_FALSE(other_ran);
    co_await yield();
}

CO_TEST(future, is_decided_once) {
    promise<int> source;
    source.set_value(1);
    CO_EXPECT_THROW(source.set_value(2), invalid_state);
    CO_EXPECT_THROW(source.set_exception(std::make_exception_ptr(1)), invalid_state);
    auto decided = source.get_future();
    EXPECT_EQ(decided.value(), 1);
    EXPECT_FALSE(decided.cancel());
    co_return;
}

CO_TEST(future, gives_its_exception) {
    promise<int> source;
    source.set_exception(std::make_exception_ptr(std::runtime_error("no")));
    CO_EXPECT_THROW(co_await source.get_future(), std::runtime_error);
    EXPECT_TRUE(source.get_future().exception());
}

CO_TEST(future, cancelling_it_cancels_everybody_who_waits) {
    promise<int> source;
    auto first = create_task(read(source.get_future()));
    auto second = create_task(read(source.get_future()));
    co_await yield();
    EXPECT_TRUE(source.get_future().cancel());
    CO_EXPECT_THROW(co_await first, cancelled);
    CO_EXPECT_THROW(co_await second, cancelled);
    EXPECT_TRUE(source.done());
    CO_EXPECT_THROW(source.set_value(1), invalid_state);
}

CO_TEST(future, is_cancelled_with_a_task_that_awaits_it) {
    promise<int> source;
    auto reader = create_task(read(source.get_future()));
    co_await yield();
    reader.cancel();
    CO_EXPECT_THROW(co_await reader, cancelled);
    EXPECT_TRUE(source.get_future().is_cancelled());
}

CO_TEST(future, moves_a_move_only_value_out) {
    promise<std::unique_ptr<int>> source;
    source.set_value(std::make_unique<int>(3));
    const std::unique_ptr<int> moved = co_await source.get_future();
    EXPECT_EQ(*moved, 3);
}

CO_TEST(future, asking_too_early_is_an_error) {
    promise<int> source;
    auto pending = source.get_future();
    CO_EXPECT_THROW(pending.value(), invalid_state);
    EXPECT_FALSE(pending.done());
    co_return;
}

CO_TEST(future, runs_done_callbacks_on_the_next_tick) {
    promise<> source;
    bool called = false;
    source.get_future().add_done_callback([&] { called = true; });
    source.set_value();
    EXPECT_FALSE(called);
    co_await yield();
    EXPECT_TRUE(called);
}

TEST(future, that_is_pending_may_outlive_its_loop) {
    future<int> left;
    run([](future<int>& out) -> coro<> {
        out = promise<int>().get_future();
        co_return;
    }(left));
    EXPECT_FALSE(left.done());
}

// ---- A loop that closes because a future dies ---------------------------------------------------

TEST(future, whose_callback_is_the_last_that_holds_the_loop_takes_it_along) {
    auto loop = std::make_shared<event_loop>();
    const std::weak_ptr<event_loop> watched = loop;
    future<> pending = promise<>(*loop).get_future();
    pending.add_done_callback([held = std::move(loop)] {});
    EXPECT_FALSE(watched.expired());
    pending = {};
    EXPECT_TRUE(watched.expired());
}

TEST(future, whose_value_is_the_last_that_holds_the_loop_takes_it_along) {
    auto loop = std::make_shared<event_loop>();
    const std::weak_ptr<event_loop> watched = loop;
    promise<std::shared_ptr<event_loop>> source(*loop);
    future<std::shared_ptr<event_loop>> held = source.get_future();
    source.set_value(std::move(loop));
    source = promise<std::shared_ptr<event_loop>>(*std::make_unique<event_loop>());
    EXPECT_FALSE(watched.expired());
    held = {};
    EXPECT_TRUE(watched.expired());
}

TEST(future, whose_failure_is_reported_to_a_handler_that_closes_the_loop_dies_once) {
    event_loop loop;
    loop.set_exception_handler([](event_loop& own, const exception_context&) { own.close(); });
    promise<>(loop).set_exception(std::make_exception_ptr(std::runtime_error("lost")));
    EXPECT_TRUE(loop.is_closed());
}

}  // namespace
