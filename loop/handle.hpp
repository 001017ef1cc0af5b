// A callback that was scheduled, and the handle by which its owner can take it back.
#pragma once

#include <atomic>
#include <functional>
#include <source_location>
#include <string>
#include <utility>

#include "loop/context.hpp"
#include "loop/recycling_allocator.hpp"
#include "loop/timer_queue.hpp"

namespace mayhem {

class event_loop;

namespace detail {

/// The shared state of one scheduled call: of call_soon (never armed as a timer), call_later,
/// call_at and call_soon_threadsafe alike. One reference belongs to the loop until the callback
/// has run or was discarded, the others to handles. The count is atomic, because the handle of a
/// thread-safe call lives on another thread; everything else belongs to the loop's thread.
class callback final : public timer, public recycled {
  public:
    callback(event_loop& loop, std::move_only_function<void()> function,
             const std::source_location& where)
        : loop_(loop), function_(std::move(function)), context_(context::active()), where_(where) {}

    void run() noexcept override;
    void discard() noexcept override;

    /// Marks it cancelled; thread-safe. The loop drops a marked callback instead of running it.
    void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool is_cancelled() const noexcept {
        return cancelled_.load(std::memory_order_relaxed);
    }

    [[nodiscard]] event_loop& loop() const noexcept { return loop_; }
    [[nodiscard]] time_point when() const noexcept { return when_; }
    void set_when(time_point deadline) noexcept { when_ = deadline; }
    [[nodiscard]] const std::source_location& scheduled_at() const noexcept { return where_; }

    /// `<Handle created at file:line>`, asyncio's form.
    [[nodiscard]] std::string describe() const;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // Acquire-release: the last owner must see everything that the others did before.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

  private:
    ~callback() = default;

    event_loop& loop_;
    std::move_only_function<void()> function_;
    context context_;  // where it was scheduled, and where it runs
    std::source_location where_;
    time_point when_{};
    std::atomic<bool> cancelled_{false};
    std::atomic<int> references_{1};
};

}  // namespace detail

/// Refers to a scheduled callback; mirrors asyncio's Handle and TimerHandle. Copies refer to the
/// same callback. Dropping a handle does not cancel. A handle may outlive its loop.
class handle {
  public:
    handle() noexcept = default;
    /// Takes over one reference.
    explicit handle(detail::callback* state) noexcept : state_(state) {}
    handle(const handle& other) noexcept : state_(other.state_) {
        if (state_ != nullptr) state_->retain();
    }
    handle(handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    handle& operator=(handle other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~handle() {
        if (state_ != nullptr) state_->release();
    }

    /// The callback will not run, even when it is due in this very tick. A cancelled timer leaves
    /// the timer queue at once. Does nothing after the callback ran. Loop's thread only, but for
    /// handles of call_soon_threadsafe, which may be cancelled anywhere. Debug mode refuses the
    /// others' timers there; a callback without a timer is only marked, which harms nobody.
    /// @throws loop_error in debug mode, on another thread
    void cancel();

    [[nodiscard]] bool cancelled() const noexcept {
        return state_ != nullptr && state_->is_cancelled();
    }

    /// The deadline of call_later and call_at.
    [[nodiscard]] time_point when() const noexcept {
        return state_ != nullptr ? state_->when() : time_point{};
    }

  private:
    detail::callback* state_ = nullptr;
};

}  // namespace mayhem
