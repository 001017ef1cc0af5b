// Handing items from thread to thread; Python's queue.Queue. What waits here is a whole thread, and
// no event loop knows of it: that is what part 4 is about. For tasks there is mayhem::queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "tasks/sync/queue.hpp"

namespace mayhem::examples {

/// Without a bound, as the original's. Thread-safe.
template <typename T>
class thread_queue {
  public:
    /// @throws queue_shutdown
    void put(T item) {
        const std::lock_guard lock(mutex_);
        if (is_shutdown_) throw queue_shutdown();
        items_.push_back(std::move(item));
        changed_.notify_one();
    }

    /// Blocks until there is an item. @throws queue_shutdown when there is none any more
    T get() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_shutdown_ || !items_.empty(); });
        if (items_.empty()) throw queue_shutdown();
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

    /// Refuses further items, and wakes whoever waits for one; from Python 3.13 on, queue.Queue has
    /// it, too.
    void shutdown() {
        const std::lock_guard lock(mutex_);
        is_shutdown_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> items_;
    bool is_shutdown_ = false;
};

}  // namespace mayhem::examples
