// Waiting, under a lock, for something to change; asyncio.Condition.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

#include "tasks/coro/coro.hpp"
#include "tasks/coro/wait_queue.hpp"
#include "tasks/sync/lock.hpp"

namespace mayhem {

/// A lock and a line of tasks that gave it up until somebody notifies them.
class condition {
  public:
    /// With a lock of its own.
    condition() noexcept : lock_(&own_lock_) {}
    /// With a lock that several conditions share.
    explicit condition(lock& shared) noexcept : lock_(&shared) {}
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;

    [[nodiscard]] auto acquire() { return lock_->acquire(); }
    [[nodiscard]] auto acquire_guard() { return lock_->acquire_guard(); }
    void release() { lock_->release(); }
    [[nodiscard]] bool locked() const noexcept { return lock_->locked(); }

    /// Gives the lock up, waits for a notification, takes the lock again. The lock is held when
    /// this returns or throws, also when it was cancelled. A task may wake without the condition
    /// being true: use `wait_for`, or wait in a loop. @throws std::logic_error without the lock.
    coro<void> wait();

    /// Waits until `predicate()` is true, and gives its value.
    template <typename Predicate>
    auto wait_for(Predicate predicate) -> coro<std::decay_t<std::invoke_result_t<Predicate&>>> {
        for (;;) {
            auto value = predicate();
            if (value) co_return std::move(value);
            co_await wait();
        }
    }

    /// Wakes at most `count` tasks, in the order in which they came.
    /// @throws std::logic_error without the lock.
    void notify(std::size_t count = 1);
    void notify_all() { notify(std::numeric_limits<std::size_t>::max()); }

  private:
    lock own_lock_;
    lock* lock_;
    wait_queue line_;
};

}  // namespace mayhem
