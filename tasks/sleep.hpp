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
    void await_suspend(std::coroutine_handle<Promise> frame) {
        suspend(frame);
        start();
        deliver_pending_cancel();
    }
    void await_resume() const { throw_if_cancelled(cancelled_); }

    bool cancel() noexcept override;
    [[nodiscard]] std::string describe() const override { return "sleep"; }
    void run() noexcept override { resume(); }

  private:
    void start();

    std::optional<time_point> deadline_;
    duration delay_{};
    bool cancelled_ = false;
};

}  // namespace detail

/// Suspends the task for at least `delay`. A delay <= 0 lets every other ready task run once, and
/// costs no timer. Cancellation ends it at once. asyncio.sleep.
/// @throws std::invalid_argument when the delay is NaN
template <typename Rep, typename Period>
[[nodiscard]] detail::sleep_awaiter sleep(std::chrono::duration<Rep, Period> delay) {
    return detail::sleep_awaiter(to_duration(delay));
}

/// Suspends the task until the loop's clock reaches `deadline`.
[[nodiscard]] inline detail::sleep_awaiter sleep_until(time_point deadline) {
    return detail::sleep_awaiter(deadline);
}

/// Gives way to everything that is ready now; asyncio's sleep(0).
[[nodiscard]] inline detail::sleep_awaiter yield() { return detail::sleep_awaiter(duration{0}); }

}  // namespace mayhem
