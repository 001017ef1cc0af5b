// Handing items from task to task, with a bound; asyncio.Queue, LifoQueue and PriorityQueue.
// How waiting, fairness and cancellation work is told in queue_base.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "tasks/sync/queue_base.hpp"
#include "tasks/sync/queue_order.hpp"

namespace mayhem {

namespace detail {

template <typename Queue>
class get_wait final : public queue_wait {
  public:
    explicit get_wait(Queue& queue) noexcept : queue_(queue) {}

    bool await_ready() const noexcept { return queue_.need_not_wait_to_get(); }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, queue_.getters_);
    }
    typename Queue::value_type await_resume() {
        if (task() == nullptr) return queue_.get_now();
        if (cannot_go_on()) {
            if (owns_promise()) queue_.decline_item();
            throw_reason();
        }
        return queue_.take_promised(has_promise());
    }
    [[nodiscard]] std::string describe() const override { return "queue.get"; }

  private:
    Queue& queue_;
};

template <typename Queue>
class put_wait final : public queue_wait {
  public:
    put_wait(Queue& queue, typename Queue::value_type item)
        : queue_(queue), item_(std::move(item)) {}

    bool await_ready() const noexcept { return queue_.need_not_wait_to_put(); }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, queue_.putters_);
    }
    void await_resume() {
        if (task() == nullptr) return queue_.put_now(std::move(item_));
        if (cannot_go_on()) {
            if (owns_promise()) queue_.decline_slot();
            throw_reason();
        }
        queue_.put_promised(std::move(item_), has_promise());
    }
    [[nodiscard]] std::string describe() const override { return "queue.put"; }

  private:
    Queue& queue_;
    typename Queue::value_type item_;
};

template <typename Queue>
class get_operation {
  public:
    explicit get_operation(Queue& queue) noexcept : queue_(&queue) {}
    get_wait<Queue> operator co_await() const noexcept { return get_wait<Queue>(*queue_); }

  private:
    Queue* queue_;
};

template <typename Queue>
class put_operation {
  public:
    put_operation(Queue& queue, typename Queue::value_type item)
        : queue_(&queue), item_(std::move(item)) {}
    put_wait<Queue> operator co_await() && { return put_wait<Queue>(*queue_, std::move(item_)); }

  private:
    Queue* queue_;
    typename Queue::value_type item_;
};

}  // namespace detail

/// A queue between tasks of one loop. `T` may be move-only. Getters and putters are served in the
/// order in which they came, and an item is neither lost nor taken by a latecomer when a getter is
/// cancelled between its wake-up and its next step.
template <typename T, typename Order = fifo_order<T>>
class queue : public detail::queue_base {
  public:
    using value_type = T;

    /// @param maxsize how many items at most; 0 means no limit.
    explicit queue(std::size_t maxsize = 0) : queue_base(maxsize) {}

    /// `co_await queue.get()` takes the next item, and suspends while there is none. Cancelled, it
    /// has taken none. @throws queue_shutdown when the queue is shut down and empty.
    [[nodiscard]] auto get() {
        check_thread("queue.get");
        return detail::get_operation<queue>(*this);
    }

    /// `co_await queue.put(item)` adds an item, and suspends while the queue is full. Cancelled, it
    /// has added nothing, and the item is gone if it was moved in. @throws queue_shutdown
    [[nodiscard]] auto put(T item) {
        check_thread("queue.put");
        return detail::put_operation<queue>(*this, std::move(item));
    }

    /// Takes an item now. @throws queue_empty, queue_shutdown
    T get_nowait();
    /// Adds an item now. @throws queue_full, queue_shutdown
    void put_nowait(T item);

    /// How many items can be taken now: those that are promised to a task that is waking up are not
    /// counted.
    [[nodiscard]] std::size_t size() const noexcept { return available(items_.size()); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// True when put would suspend.
    [[nodiscard]] bool full() const noexcept { return is_full(items_.size()); }

    /// Refuses further items. What is in the queue can still be taken; then, and at once if
    /// `immediate`, which drops what is in it, `get` throws queue_shutdown. Dropped items count as
    /// done; `join` waits for the others.
    void shutdown(bool immediate = false);

  private:
    friend class detail::get_wait<queue>;
    friend class detail::put_wait<queue>;

    [[nodiscard]] bool need_not_wait_to_get() const noexcept { return is_shutdown_ || !empty(); }
    [[nodiscard]] bool need_not_wait_to_put() const noexcept { return is_shutdown_ || !full(); }
    T get_now();
    void put_now(T&& item);
    T take();
    void insert(T&& item);
    T take_promised(bool has_promise);
    void put_promised(T&& item, bool has_promise);
    void decline_item() noexcept;
    void decline_slot() noexcept;

    Order items_;
};

/// Gives the item back that was put last.
template <typename T>
using lifo_queue = queue<T, lifo_order<T>>;

/// Gives the smallest item back.
template <typename T, typename Less = std::less<T>>
using priority_queue = queue<T, priority_order<T, Less>>;

// ---- Implementation details follow --------------------------------------------------------

template <typename T, typename Order>
T queue<T, Order>::get_nowait() {
    check_thread("queue.get_nowait");
    return get_now();
}

template <typename T, typename Order>
T queue<T, Order>::get_now() {
    if (!empty()) return take();
    if (is_shutdown_) throw queue_shutdown();
    throw queue_empty();
}

template <typename T, typename Order>
void queue<T, Order>::put_nowait(T item) {
    check_thread("queue.put_nowait");
    put_now(std::move(item));
}

template <typename T, typename Order>
void queue<T, Order>::put_now(T&& item) {
    if (is_shutdown_) throw queue_shutdown();
    if (full()) throw queue_full();
    insert(std::move(item));
}

template <typename T, typename Order>
void queue<T, Order>::shutdown(bool immediate) {
    check_thread("queue.shutdown");
    if (immediate) {
        items_were_dropped(items_.size());
        items_.clear();
    }
    close_lines();
}

template <typename T, typename Order>
T queue<T, Order>::take() {
    T item = items_.pop();
    item_was_taken();
    return item;
}

template <typename T, typename Order>
void queue<T, Order>::insert(T&& item) {
    items_.push(std::move(item));
    item_was_put();
}

/// A woken getter runs. Without a promise, or without items, a shutdown has come in between.
template <typename T, typename Order>
T queue<T, Order>::take_promised(bool has_promise) {
    if (has_promise) end_item_promise();
    if (!has_promise || items_.size() == 0) throw queue_shutdown();
    return take();
}

template <typename T, typename Order>
void queue<T, Order>::put_promised(T&& item, bool has_promise) {
    if (has_promise) end_slot_promise();
    if (is_shutdown_) throw queue_shutdown();
    insert(std::move(item));
}

template <typename T, typename Order>
void queue<T, Order>::decline_item() noexcept {
    end_item_promise();
    if (!empty()) promise_item();
}

template <typename T, typename Order>
void queue<T, Order>::decline_slot() noexcept {
    end_slot_promise();
    if (!full()) promise_slot();
}

}  // namespace mayhem
