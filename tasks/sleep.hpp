// Waiting for time to pass. A sleeping task costs a timer inside its own frame, and nothing else.
#pragma once

#include <optional>
#include <string>

#include "loop/clock.hpp"
#include "loop/timer_queue.hpp"
#include "tasks/coro/suspension.hpp"

namespace mayhem {

namespace detail {

class sleep_awaiter final : public suspension, public timer {
  public:
    explicit sleep_awaiter(duration delay) noexcept : delay_(delay) {}
    explicit sleep_awaiter(time_point deadline) noexcept : deadline_(deadline) {}
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

    std::optional<time_point> deadline_;
    duration delay_{};
    bool over_ = false;  // the task is ready: the time has come, or it was cancelled
    bool cancelled_ = false;
};

}  // namespace detail

/// A sleep that has not begun: what `co_await` and everything that takes awaitables begins.
class [[nodiscard("sleep does nothing until it is awaited")]] sleeping {
  public:
    explicit sleeping(duration delay) noexcept : delay_(delay) {}
    explicit sleeping(time_point deadline) noexcept : deadline_(deadline) {}

    detail::sleep_awaiter operator co_await() const noexcept {
        return deadline_ ? detail::sleep_awaiter(*deadline_) : detail::sleep_awaiter(delay_);
    }

  private:
    std::optional<time_point> deadline_;
    duration delay_{};
};

/// Suspends the task for at least `delay`. A delay <= 0 lets every other ready task run once, and
/// costs no timer. Cancellation ends it at once. asyncio.sleep.
/// @throws std::invalid_argument when the delay is NaN
template <typename Rep, typename Period>
sleeping sleep(std::chrono::duration<Rep, Period> delay) {
    return sleeping(to_duration(delay));
}

/// Suspends the task until the loop's clock reaches `deadline`.
inline sleeping sleep_until(time_point deadline) { return sleeping(deadline); }

/// Gives way to everything that is ready now; asyncio's sleep(0).
inline sleeping yield() { return sleeping(duration{0}); }

}  // namespace mayhem
