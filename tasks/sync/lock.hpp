// Mutual exclusion between tasks; asyncio.Lock.
//
// Fair: `release` hands the lock to the first in line, and nobody who comes later can take it in
// between. A waiter that was handed the lock and is cancelled before it runs hands it on.
#pragma once

#include <cstddef>
#include <string>

#include "tasks/coro/wait_queue.hpp"
#include "tasks/sync/guard.hpp"

namespace mayhem {

class lock;

namespace detail {

class lock_wait : public parked {
  public:
    explicit lock_wait(lock& target) noexcept : lock_(target) {}

    bool await_ready() noexcept;
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept;
    void await_resume();
    bool cancel() noexcept override;
    [[nodiscard]] std::string describe() const override { return "lock.acquire"; }

  protected:
    lock& lock_;

  private:
    bool was_first_ = false;  // cancelled while first in line
};

class lock_guard_wait final : public lock_wait {
  public:
    using lock_wait::lock_wait;
    guard<lock> await_resume() {
        lock_wait::await_resume();
        return is_orphaned() ? guard<lock>() : guard<lock>(lock_);
    }
};

template <typename Wait, typename Primitive>
class acquire_operation {
  public:
    explicit acquire_operation(Primitive& target) noexcept : target_(&target) {}
    Wait operator co_await() const noexcept { return Wait(*target_); }

  private:
    Primitive* target_;
};

}  // namespace detail

/// Held by one task at a time, in the order in which they asked. Not recursive.
///
///     auto held = co_await files.acquire_guard();   // released at the end of the scope
class lock {
  public:
    /// `co_await lock.acquire()` suspends until the lock is ours; pair it with `release`.
    /// Cancelled, it leaves the line.
    [[nodiscard]] auto acquire() {
        line_.check_thread("lock.acquire");
        return detail::acquire_operation<detail::lock_wait, lock>(*this);
    }
    /// The same, giving a guard that releases.
    [[nodiscard]] auto acquire_guard() {
        line_.check_thread("lock.acquire_guard");
        return detail::acquire_operation<detail::lock_guard_wait, lock>(*this);
    }
    /// Takes the lock if it is free and nobody waits for it. @returns whether it did.
    [[nodiscard]] bool acquire_nowait() {
        line_.check_thread("lock.acquire_nowait");
        return take();
    }

    /// Hands the lock to the first in line. @throws std::logic_error when it is not held.
    void release();

    [[nodiscard]] bool locked() const noexcept { return locked_; }

  private:
    friend class detail::lock_wait;
    friend class guard<lock>;
    bool take() noexcept;
    void hand_over() noexcept;
    /// For guards. A loop that closes destroys frames inside `condition::wait`, which has given the
    /// lock up while the guard further out believes that it holds it.
    void release_held() noexcept {
        if (locked_ && line_.allows("guard.release")) release();
    }

    wait_queue line_;
    detail::guard_list guards_;
    // Cancelled waiters that were first in line and have not run yet. Until they have, a release
    // wakes nobody: it is they who pass the lock on. asyncio does so, and the order of events is
    // meant to be asyncio's.
    std::size_t leaving_ = 0;
    bool locked_ = false;
};

// ---- Implementation details follow --------------------------------------------------------

template <typename Promise>
void detail::lock_wait::await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    park(frame, lock_.line_);
}

}  // namespace mayhem
