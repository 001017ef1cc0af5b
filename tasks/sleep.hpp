// Waiting for time to pass. A sleeping task costs a timer inside its own frame, and nothing else.
#pragma once

#include <bit>
#include <string>

#include "loop/clock.hpp"
#include "loop/timer_queue.hpp"
#include "tasks/coro/suspension.hpp"

namespace mayhem {

namespace detail {

class sleep_awaiter final : public suspension, public timer {
  public:
    /// @param time a delay, or, as a duration since the clock's epoch, a deadline.
    sleep_awaiter(duration time, bool is_deadline) noexcept : is_deadline_(is_deadline) {
        link_ = std::bit_cast<void*>(time.count());
    }
    ~sleep_awaiter();

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) {
        suspend(frame);
        if (!start()) return false;
        deliver_pending_cancel();
        return true;
    }
    void await_resume() const { throw_if_cancelled(cancelled_); }

    bool cancel() noexcept override;
    [[nodiscard]] std::string describe() const override { return "sleep"; }
    // Through the ready queue, although we are in it: asyncio's sleep is a future that the timer
    // decides, so at equal deadlines sleepers and those who time out wake in the order of arming.
    void run() noexcept override {
        if (!over_) end();
    }

  private:
    bool start();
    void end() noexcept;
    /// Until it is armed, the link says for how long, or until when: a program may have a million
    /// of these.
    [[nodiscard]] duration time() const noexcept {
        static_assert(sizeof(duration::rep) == sizeof link_);
        return duration(std::bit_cast<duration::rep>(link_));
    }

    bool is_deadline_;
    bool over_ = false;  // the task is ready: the time has come, or it was cancelled
    bool cancelled_ = false;
};

}  // namespace detail

/// Its own awaiter: there is nothing to wait for, and so nothing to cancel.
class [[nodiscard("yield does nothing until it is awaited")]] yielding {
  public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) noexcept {
        task_ = &detail::awaiting_task(frame);
        task_->yield();
    }
    void await_resume() const {
        if (task_->has_pending_cancel()) [[unlikely]]
            task_->raise_cancelled();
    }

  private:
    task_base* task_ = nullptr;
};

/// A sleep that has not begun: what `co_await` and everything that takes awaitables begins. (Two
/// types, because a coroutine's frame holds one while it sleeps.)
class [[nodiscard("sleep does nothing until it is awaited")]] sleeping {
  public:
    explicit sleeping(duration delay) noexcept : delay_(delay) {}
    detail::sleep_awaiter operator co_await() const noexcept {
        return detail::sleep_awaiter(delay_, false);
    }

  private:
    duration delay_;
};

class [[nodiscard("sleep does nothing until it is awaited")]] sleeping_until {
  public:
    explicit sleeping_until(time_point deadline) noexcept : deadline_(deadline) {}
    detail::sleep_awaiter operator co_await() const noexcept {
        return detail::sleep_awaiter(deadline_.time_since_epoch(), true);
    }

  private:
    time_point deadline_;
};

/// Suspends the task for at least `delay`. A delay <= 0 lets every other ready task run once, and
/// costs no timer. Cancellation ends it at once. asyncio.sleep.
/// @throws std::invalid_argument when the delay is NaN
template <typename Rep, typename Period>
sleeping sleep(std::chrono::duration<Rep, Period> delay) {
    return sleeping(to_duration(delay));
}

/// Suspends the task until the loop's clock reaches `deadline`.
inline sleeping_until sleep_until(time_point deadline) { return sleeping_until(deadline); }

/// Gives way to everything that is ready now; asyncio's sleep(0). A cancellation that was asked for
/// before or meanwhile is raised when the task's turn comes.
inline yielding yield() { return {}; }

}  // namespace mayhem
