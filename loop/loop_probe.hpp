// What a test may see of a loop, and do to it, that a program may not: how much is ready, when the
// next timer is due, and a virtual clock that is moved by hand.
//
// It is here so that event_loop stays the size of what programs use. It refuses nothing but moving
// a real clock: whoever reaches for it knows the tick.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "loop/event_loop.hpp"

namespace mayhem {

class loop_probe {
  public:
    explicit loop_probe(event_loop& loop) noexcept : loop_(loop) {}

    /// How many entries the ready queue has. While a callback or task runs, it is not among them.
    [[nodiscard]] std::size_t ready_count() const noexcept { return loop_.ready_.size(); }

    /// When the earliest timer is due, if there is one.
    [[nodiscard]] std::optional<time_point> next_deadline() const noexcept {
        if (loop_.timers_.empty()) return std::nullopt;
        return loop_.timers_.earliest();
    }

    [[nodiscard]] bool has_virtual_clock() const noexcept { return loop_.virtual_clock_; }

    /// Moves the virtual clock to `when`, never back. What is due by then runs on the next tick.
    /// @throws loop_error when the loop has the real clock
    void advance_clock(time_point when) {
        if (!loop_.virtual_clock_) {
            throw loop_error("Only a virtual clock can be advanced (loop_options::virtual_clock)");
        }
        if (when > loop_.virtual_now_) loop_.virtual_now_ = when;
    }

    /// Kernel operations that somebody has in flight; the loop's own do not count.
    [[nodiscard]] std::size_t operations_in_flight() const noexcept {
        return loop_.backend_ ? loop_.backend_->in_flight() - loop_.own_operations() : 0;
    }

    /// Calls `hook` once, on the loop, when `patience` of real time has passed: under a virtual
    /// clock the loop waits without end for threads and children that never answer.
    /// REQUIRES: a virtual clock. @throws std::system_error
    void set_patience(duration patience, std::function<void()> hook) {
        loop_.impatient_hook_ = std::move(hook);
        loop_.arm_timerfd_at(deadline_after(clock::now(), patience));
    }

    /// Puts another backend in the loop's place for one, which serves what is in flight as well:
    /// one that counts, say, and passes on. @returns the loop's own, which must be put back.
    [[nodiscard]] std::unique_ptr<backend> exchange_backend(
        std::unique_ptr<backend> other) noexcept {
        return std::exchange(loop_.backend_, std::move(other));
    }

    /// Calls `hook` at the beginning of every close() that is not refused, also of one that finds
    /// the loop closed. Empty takes it back.
    void set_close_hook(std::function<void()> hook) noexcept {
        loop_.close_hook_ = std::move(hook);
    }

  private:
    event_loop& loop_;
};

}  // namespace mayhem
