// A number of permits; asyncio.Semaphore and BoundedSemaphore.
//
// Fair in the same sense as `lock`: a released permit goes to the first in line, and a waiter that
// is cancelled after it was given one passes it on. Nobody overtakes somebody who was woken and has
// not run yet, not even when there is another permit; the newcomer gets that one right after.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "tasks/coro/wait_queue.hpp"
#include "tasks/sync/guard.hpp"
#include "tasks/sync/lock.hpp"

namespace mayhem {

class semaphore;

namespace detail {

class semaphore_wait : public parked {
  public:
    explicit semaphore_wait(semaphore& target) noexcept : semaphore_(target) {}

    bool await_ready() noexcept;
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept;
    void await_resume();
    [[nodiscard]] std::string describe() const override { return "semaphore.acquire"; }

  protected:
    semaphore& semaphore_;
};

class semaphore_guard_wait final : public semaphore_wait {
  public:
    using semaphore_wait::semaphore_wait;
    guard<semaphore> await_resume() {
        semaphore_wait::await_resume();
        return is_orphaned() ? guard<semaphore>() : guard<semaphore>(semaphore_);
    }
};

}  // namespace detail

/// At most `permits` tasks at a time.
class semaphore {
  public:
    explicit semaphore(std::size_t permits = 1) noexcept : value_(permits) {}

    /// `co_await semaphore.acquire()` suspends until there is a permit; pair it with `release`.
    /// Cancelled, it leaves the line.
    [[nodiscard]] auto acquire() {
        line_.check_thread("semaphore.acquire");
        return detail::acquire_operation<detail::semaphore_wait, semaphore>(*this);
    }
    /// The same, giving a guard that releases.
    [[nodiscard]] auto acquire_guard() {
        line_.check_thread("semaphore.acquire_guard");
        return detail::acquire_operation<detail::semaphore_guard_wait, semaphore>(*this);
    }
    /// Takes a permit if there is one. @returns whether it did.
    [[nodiscard]] bool acquire_nowait() {
        line_.check_thread("semaphore.acquire_nowait");
        return take();
    }

    /// Gives a permit to the first in line. @throws std::logic_error when a bounded semaphore would
    /// get more permits than it began with.
    void release();

    /// True when acquire would suspend.
    [[nodiscard]] bool locked() const noexcept {
        return value_ == 0 || given_ > 0 || !line_.empty();
    }
    /// How many permits are free.
    [[nodiscard]] std::size_t value() const noexcept { return value_; }

  protected:
    semaphore(std::size_t permits, std::size_t bound) noexcept : value_(permits), bound_(bound) {}

  private:
    friend class detail::semaphore_wait;
    friend class guard<semaphore>;
    bool take() noexcept;
    void release_held() noexcept {
        if (line_.allows("guard.release")) release();
    }

    wait_queue line_;
    detail::guard_list guards_;
    bool give_to_next() noexcept;

    std::size_t value_;
    std::size_t given_ = 0;  // permits of waiters that have not run since they got them
    std::size_t bound_ = std::numeric_limits<std::size_t>::max();
};

/// A semaphore that treats one `release` too many as the programmer's error that it is.
class bounded_semaphore : public semaphore {
  public:
    explicit bounded_semaphore(std::size_t permits = 1) noexcept : semaphore(permits, permits) {}
};

// ---- Implementation details follow --------------------------------------------------------

template <typename Promise>
void detail::semaphore_wait::await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    park(frame, semaphore_.line_);
}

}  // namespace mayhem
