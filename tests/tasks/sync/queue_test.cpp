// queue: fair, bounded, and nothing is lost, whoever is cancelled when.
#include "tasks/sync/queue.hpp"

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

CO_TEST(queue, gives_items_back_in_order) {
    queue<int> items;
    for (int i = 0; i < 3; ++i) items.put_nowait(i);
    EXPECT_EQ(items.size(), 3U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await items.get(), i);
    EXPECT_TRUE(items.empty());
    EXPECT_FALSE(items.full());
}

CO_TEST(queue, serves_getters_in_order) {
    queue<int> items;
    auto first = create_task(items.get());
    auto second = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    items.put_nowait(2);
    EXPECT_EQ(co_await first, 1);
    EXPECT_EQ(co_await second, 2);
}

CO_TEST(queue, carries_move_only_items) {
    queue<std::unique_ptr<int>> items;
    co_await items.put(std::make_unique<int>(3));
    EXPECT_EQ(*co_await items.get(), 3);
}

CO_TEST(queue, put_waits_while_it_is_full) {
    queue<int> items(1);
    co_await items.put(1);
    EXPECT_TRUE(items.full());
    CO_EXPECT_THROW(items.put_nowait(2), queue_full);
    auto putter = create_task(items.put(2));
    co_await ticks(2);
    EXPECT_FALSE(putter.done());
    EXPECT_EQ(co_await items.get(), 1);
    co_await putter;
    EXPECT_EQ(co_await items.get(), 2);
    CO_EXPECT_THROW(items.get_nowait(), queue_empty);
}

CO_TEST(queue, serves_putters_in_order) {
    queue<int> items(1);
    items.put_nowait(0);
    auto first = create_task(items.put(1));
    auto second = create_task(items.put(2));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await items.get(), i);
    co_await gather(first, second);
}

CO_TEST(queue, a_promised_item_cannot_be_taken_by_a_latecomer) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    EXPECT_TRUE(items.empty());
    CO_EXPECT_THROW(items.get_nowait(), queue_empty);
    auto late = create_task(items.get());
    EXPECT_EQ(co_await getter, 1);
    EXPECT_FALSE(late.done());
    items.put_nowait(2);
    EXPECT_EQ(co_await late, 2);
}

CO_TEST(queue, a_promised_slot_cannot_be_taken_by_a_latecomer) {
    queue<int> items(1);
    items.put_nowait(1);
    auto putter = create_task(items.put(2));
    co_await yield();
    EXPECT_EQ(items.get_nowait(), 1);
    EXPECT_TRUE(items.full());
    CO_EXPECT_THROW(items.put_nowait(3), queue_full);
    co_await putter;
    EXPECT_EQ(items.get_nowait(), 2);
}

CO_TEST(queue, get_cancelled_while_waiting_takes_nothing) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    getter.cancel();
    CO_EXPECT_THROW(co_await getter, cancelled);
    items.put_nowait(1);
    EXPECT_EQ(items.size(), 1U);
}

CO_TEST(queue, get_cancelled_after_put_keeps_the_item) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    getter.cancel();
    CO_EXPECT_THROW(co_await getter, cancelled);
    EXPECT_EQ(items.get_nowait(), 1);
}

CO_TEST(queue, get_cancelled_after_put_passes_the_item_to_the_next_getter) {
    queue<int> items;
    auto first = create_task(items.get());
    auto second = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    first.cancel();
    EXPECT_EQ(co_await second, 1);
    CO_EXPECT_THROW(co_await first, cancelled);
}

CO_TEST(queue, get_cancelled_after_put_keeps_the_order_of_items) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    items.put_nowait(2);
    getter.cancel();
    CO_EXPECT_THROW(co_await getter, cancelled);
    EXPECT_EQ(items.get_nowait(), 1);
    EXPECT_EQ(items.get_nowait(), 2);
}

CO_TEST(queue, blocked_put_that_is_cancelled_inserts_nothing) {
    queue<int> items(1);
    items.put_nowait(1);
    auto putter = create_task(items.put(2));
    co_await yield();
    putter.cancel();
    CO_EXPECT_THROW(co_await putter, cancelled);
    EXPECT_EQ(items.get_nowait(), 1);
    EXPECT_TRUE(items.empty());
    EXPECT_FALSE(items.full());
}

CO_TEST(queue, woken_put_that_is_cancelled_lets_the_next_putter_proceed) {
    queue<int> items(1);
    items.put_nowait(1);
    auto first = create_task(items.put(2));
    auto second = create_task(items.put(3));
    co_await yield();
    EXPECT_EQ(items.get_nowait(), 1);
    first.cancel();
    co_await second;
    CO_EXPECT_THROW(co_await first, cancelled);
    EXPECT_EQ(items.get_nowait(), 3);
    EXPECT_FALSE(items.full());
}

CO_TEST(queue, wait_for_get_that_times_out_loses_nothing) {
    queue<int> items;
    CO_EXPECT_THROW(co_await wait_for(items.get(), 1s), timeout_error);
    items.put_nowait(1);
    EXPECT_EQ(co_await wait_for(items.get(), 1s), 1);
}

CO_TEST(queue, join_waits_until_everything_is_done) {
    queue<int> items;
    co_await items.join();
    items.put_nowait(1);
    items.put_nowait(2);
    auto joiner = create_task(items.join());
    for (int i = 0; i < 2; ++i) {
        co_await items.get();
        co_await ticks(2);
        EXPECT_FALSE(joiner.done());
        items.task_done();
    }
    co_await joiner;
    CO_EXPECT_THROW(items.task_done(), std::logic_error);
}

CO_TEST(queue, shutdown_lets_the_rest_be_taken) {
    queue<int> items;
    items.put_nowait(1);
    items.shutdown();
    CO_EXPECT_THROW(items.put_nowait(2), queue_shutdown);
    CO_EXPECT_THROW(co_await items.put(2), queue_shutdown);
    EXPECT_EQ(co_await items.get(), 1);
    CO_EXPECT_THROW(co_await items.get(), queue_shutdown);
    CO_EXPECT_THROW(items.get_nowait(), queue_shutdown);
}

CO_TEST(queue, shutdown_wakes_getters_and_putters) {
    queue<int> empty;
    auto getter = create_task(empty.get());
    queue<int> full(1);
    full.put_nowait(1);
    auto putter = create_task(full.put(2));
    co_await yield();
    empty.shutdown();
    full.shutdown();
    CO_EXPECT_THROW(co_await getter, queue_shutdown);
    CO_EXPECT_THROW(co_await putter, queue_shutdown);
    EXPECT_EQ(full.get_nowait(), 1);
}

CO_TEST(queue, shutdown_does_not_take_back_what_was_promised) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    items.shutdown();
    EXPECT_EQ(co_await getter, 1);
}

CO_TEST(queue, shutdown_at_once_drops_what_was_promised) {
    queue<int> items;
    auto getter = create_task(items.get());
    co_await yield();
    items.put_nowait(1);
    items.shutdown(true);
    CO_EXPECT_THROW(co_await getter, queue_shutdown);
    co_await items.join();
}

CO_TEST(queue, shutdown_at_once_with_unfinished_items_lets_join_wait_for_the_rest) {
    queue<int> items(1);
    items.put_nowait(1);
    EXPECT_EQ(items.get_nowait(), 1);
    items.put_nowait(2);
    auto joiner = create_task(items.join());
    auto putter = create_task(items.put(3));
    co_await yield();
    items.shutdown(true);
    CO_EXPECT_THROW(co_await putter, queue_shutdown);
    CO_EXPECT_THROW(co_await items.get(), queue_shutdown);
    co_await ticks(2);
    EXPECT_FALSE(joiner.done());
    items.task_done();
    co_await joiner;
    CO_EXPECT_THROW(items.task_done(), std::logic_error);
}

CO_TEST(queue, get_and_put_that_need_not_wait_do_not_suspend) {
    queue<int> items(1);
    bool other_ran = false;
    get_running_loop().call_soon([&] { other_ran = true; });
    co_await items.put(1);
    EXPECT_EQ(co_await items.get(), 1);
    EXPECT_FALSE(other_ran);
    co_await yield();
}

CO_TEST(queue, lifo_gives_the_last_item_first) {
    lifo_queue<int> items;
    for (const int item : {1, 2, 3}) items.put_nowait(item);
    EXPECT_EQ(co_await items.get(), 3);
    EXPECT_EQ(co_await items.get(), 2);
}

CO_TEST(queue, priority_gives_the_smallest_item_first) {
    priority_queue<int> items;
    for (const int item : {5, 1, 4, 2, 3}) items.put_nowait(item);
    for (int i = 1; i <= 5; ++i) EXPECT_EQ(co_await items.get(), i);
}

coro<int> get_from(queue<int>& items) { co_return co_await items.get(); }

CO_TEST(queue, that_dies_first_leaves_getters_and_putters_in_peace) {
    auto items = std::make_unique<queue<int>>();
    auto waiting = create_task(get_from(*items));
    auto woken = create_task(get_from(*items));
    co_await yield();
    items->put_nowait(1);
    auto full = std::make_unique<queue<int>>(1);
    full->put_nowait(1);
    auto putter = create_task(full->put(2));
    co_await yield();
    EXPECT_EQ(co_await waiting, 1);
    items->put_nowait(2);
    items.reset();  // the second getter was woken, and its item is gone
    full.reset();
    CO_EXPECT_THROW(co_await woken, queue_shutdown);
    putter.cancel();
    CO_EXPECT_THROW(co_await putter, cancelled);
}

CO_TEST(queue, a_thousand_producers_and_consumers_lose_nothing) {
    queue<int> items(10);
    int sum = 0;
    auto produce = [&](int number) -> coro<> { co_await items.put(number); };
    auto consume = [&]() -> coro<> { sum += co_await items.get(); };
    std::vector<coro<>> workers;
    for (int i = 1; i <= 1000; ++i) {
        workers.push_back(produce(i));
        workers.push_back(consume());
    }
    co_await gather(std::move(workers));
    EXPECT_EQ(sum, 500'500);
    EXPECT_TRUE(items.empty());
}

}  // namespace
