// A callback that was scheduled, and the handle by which its owner can take it back.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "loop/context.hpp"
#include "loop/loop_binding.hpp"
#include "loop/recycling_allocator.hpp"
#include "loop/timer_queue.hpp"

namespace mayhem {

class event_loop;

/// What a loop can call: it keeps a copy, and calls that.
template <typename Function>
concept loop_function = std::invocable<std::decay_t<Function>&> &&
                        std::constructible_from<std::decay_t<Function>, Function>;

namespace detail {

/// Who may hold handles of a callback: its loop's thread (and whether that is checked, as in debug
/// mode), or any thread.
enum class reach : std::uint8_t { own_thread, checked_thread, any_thread };

/// The shared state of one scheduled call: of call_soon (never armed as a timer), call_later,
/// call_at and call_soon_threadsafe alike. One reference belongs to the loop until the callback
/// has run or was discarded, the others to handles. Only for call_soon_threadsafe, whose handle
/// lives on another thread, are they counted atomically: that costs as much as all the rest.
class callback : public timer, public recycled {
  public:
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;

    void run() noexcept final;
    void discard() noexcept final;

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

    void retain() noexcept {
        if (reach_ == reach::own_thread) {
            references_.store(references() + 1, std::memory_order_relaxed);
        } else {
            references_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    void release() noexcept {
        if (reach_ != reach::own_thread) {
            // Acquire-release: the last owner must see everything that the others did before.
            if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
        } else if (references() == 1) {
            delete this;
        } else {
            references_.store(references() - 1, std::memory_order_relaxed);
        }
    }

    /// The same for handles, which in debug mode are refused to other threads.
    void retain_for_handle() {
        if (reach_ == reach::checked_thread) [[unlikely]]
            debugged_loop::check_thread(home_, "a handle's copying");
        retain();
    }
    void release_from_handle() noexcept {
        if (reach_ == reach::checked_thread) [[unlikely]] {
            // Not a count that another thread changes.
            if (!debugged_loop::allows(home_, "a handle's destruction")) return;
        }
        release();
    }

  protected:
    callback(event_loop& loop, const context& values, const std::source_location& where,
             reach handles) noexcept
        : loop_(loop), context_(values), where_(where), reach_(handles) {
        if (handles == reach::checked_thread) [[unlikely]]
            note_home();
    }
    virtual ~callback() = default;

    virtual void call() = 0;
    virtual void drop_function() noexcept = 0;

  private:
    void note_home() noexcept;
    [[nodiscard]] std::uint32_t references() const noexcept {
        return references_.load(std::memory_order_relaxed);
    }

    event_loop& loop_;
    context context_;  // where it was scheduled, and where it runs
    std::source_location where_;
    time_point when_{};
    std::atomic<std::uint32_t> references_{1};
    std::atomic<bool> cancelled_{false};
    const reach reach_;
    std::uint64_t home_ = 0;  // the loop's id, where handles are checked: they may outlive it
};

/// With the function itself beside it, in the same block.
template <typename Function>
class callback_of final : public callback {
  public:
    template <typename Source>
    callback_of(Source&& function, event_loop& loop, const context& values,
                const std::source_location& where, reach handles)
        : callback(loop, values, where, handles), function_(std::forward<Source>(function)) {}

  private:
    void call() override { static_cast<void>((*function_)()); }
    void drop_function() noexcept override { function_.reset(); }

    std::optional<Function> function_;
};

}  // namespace detail

/// Refers to a scheduled callback; mirrors asyncio's Handle and TimerHandle. Copies refer to the
/// same callback. Dropping a handle does not cancel. A handle may outlive its loop. It belongs to
/// the loop's thread, as the loop does, also for copying (which debug mode refuses elsewhere, with
/// loop_error) and dropping (which it then logs, and does not carry out); handles of
/// call_soon_threadsafe may be used anywhere.
class handle {
  public:
    handle() noexcept = default;
    /// Takes over one reference.
    explicit handle(detail::callback* state) noexcept : state_(state) {}
    handle(const handle& other) : state_(other.state_) {
        if (state_ != nullptr) state_->retain_for_handle();
    }
    handle(handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    handle& operator=(handle other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~handle() {
        if (state_ != nullptr) state_->release_from_handle();
    }

    /// The callback will not run, even when it is due in this very tick. A cancelled timer leaves
    /// the timer queue at once. Does nothing after the callback ran. Debug mode refuses timers on
    /// another thread; a callback without a timer is only marked, which harms nobody.
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
