// Reports a loop that is stuck in one step *while* it is stuck: which task, its async stack, and
// the native stack with the call that blocks.
//
// Problem: when a step has ended, one knows that it was slow but no longer why. Only the thread
// itself can walk its stack safely, and that thread is busy being stuck.
// Solution: a thread of our own looks at every watched loop each 10 ms. A loop counts its steps; a
// count that stands still in the middle of a step for the threshold is a stall. The watchdog then
// sends the loop's thread a real-time signal, whose handler writes down what it sees (addresses and
// constants of the program: no memory, no locks) and goes back. The watchdog makes text of it.
//
//   watchdog                              the loop's thread
//   step count unchanged for 50 ms        blocked in step 4711
//   requested ---- pthread_kill --------> handler: step still 4711? write the snapshot
//             <--- answered, sem_post --- return; the blocked call goes on (SA_RESTART)
//   dladdr, demangle, log
//
// It measures wall-clock time: a CPU clock would miss a call that blocks. But time in which the
// watchdog itself did not run (a stopped process, an overloaded machine) is not the loop's fault
// and does not count.
//
// Calls that the kernel does not restart (poll, nanosleep) may return EINTR during a stall; that is
// the price of looking. What is not watched pays nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <pthread.h>
#include <semaphore.h>
#include <source_location>
#include <utility>

#include "loop/clock.hpp"

namespace mayhem {

class event_loop;

/// What the handler of the watchdog's signal writes down. It only points to constants.
struct stall_snapshot {
    struct frame {
        const char* function;
        const char* file;
        unsigned line;
    };
    static constexpr std::size_t frames_max = 32;
    static constexpr std::size_t native_max = 64;
    static constexpr std::size_t name_max = 64;

    std::uint64_t task_id = 0;                       ///< 0: no task runs
    std::array<char, name_max> task_name{};          ///< cut when longer; empty: not named
    const std::source_location* callback = nullptr;  ///< where the running callback was scheduled
    std::array<frame, frames_max> frames;            ///< the async stack, the innermost first
    std::size_t frame_count = 0;
    std::array<void*, native_max> native;  ///< return addresses, the innermost first
    int native_count = 0;
};

namespace detail {

/// When to speak of a step that does not end: at the threshold, at twice that, at four times; at
/// most five times a minute.
class stall_schedule {
  public:
    static constexpr duration tick = std::chrono::milliseconds(10);
    static constexpr int reports_per_minute_max = 5;

    explicit stall_schedule(duration threshold) noexcept : threshold_(threshold) {}

    /// To be called at each tick. @param step the count of begun and ended steps: odd within one
    /// @returns how long the step has lasted, when that is to be reported now
    std::optional<duration> look(std::uint64_t step, time_point now) noexcept;

    /// How many reports the limit has swallowed since this was asked last.
    std::size_t take_swallowed() noexcept { return std::exchange(swallowed_, 0); }

  private:
    [[nodiscard]] bool limit_is_reached(time_point now) noexcept;

    duration threshold_;
    std::uint64_t step_ = 0;
    std::optional<time_point> looked_;
    duration lasted_{};
    duration next_report_{};
    time_point minute_{};
    int reports_ = 0;
    std::size_t swallowed_ = 0;
};

/// The part of a watched loop that its thread and the watchdog share.
class step_monitor {
  public:
    explicit step_monitor(duration threshold);
    step_monitor(const step_monitor&) = delete;
    step_monitor& operator=(const step_monitor&) = delete;
    ~step_monitor();

    // The loop's thread.
    void enter_thread(event_loop& loop) noexcept;
    void leave_thread() noexcept;
    void begin_step() noexcept {
        const std::uint64_t step = step_.load(std::memory_order_relaxed);
        step_.store(step + 1 + step % 2, std::memory_order_relaxed);
    }
    void end_step() noexcept {
        const std::uint64_t step = step_.load(std::memory_order_relaxed);
        step_.store(step + step % 2, std::memory_order_relaxed);
    }
    void set_callback(const std::source_location* where) noexcept {
        callback_.store(where, std::memory_order_relaxed);
    }
    /// In the signal handler.
    void answer(void* context) noexcept;

    // The watchdog's thread. Both hold the lock of the list of monitors, under which a loop enters
    // and leaves its thread: it is never signalled after it has left.
    /// @returns how long the current step has lasted, if that is to be reported.
    std::optional<duration> look(time_point now) noexcept;
    enum class reply { snapshot, step_has_ended, none };
    /// Asks the loop's thread, which may not answer (it blocks the signal).
    reply interrogate(stall_snapshot& into) noexcept;
    std::size_t take_swallowed() noexcept { return schedule_.take_swallowed(); }

  private:
    enum class phase : int { idle, requested, writing, answered, too_late };

    std::atomic<std::uint64_t> step_{0};  // odd: in a step
    std::atomic<const std::source_location*> callback_{nullptr};
    event_loop* loop_ = nullptr;  // null while the loop does not run
    pthread_t thread_{};
    stall_schedule schedule_;
    std::atomic<phase> phase_{phase::idle};
    std::uint64_t asked_step_ = 0;  // written before `requested`, read by the handler after it
    stall_snapshot snapshot_;
    sem_t answered_;
};

}  // namespace detail

/// The watchdog of the process: a thread that exists while any loop is watched.
class stall_watchdog {
  public:
    /// Starts to watch a loop for steps of at least `threshold`. @throws std::system_error when no
    /// thread can be started; loop_error when no real-time signal is free
    static std::shared_ptr<detail::step_monitor> watch(duration threshold);
    /// Stops; the last one to leave ends the thread.
    static void forget(const std::shared_ptr<detail::step_monitor>& monitor) noexcept;

    /// 1 while its thread exists: for those who count threads.
    [[nodiscard]] static std::size_t threads() noexcept;

    /// MAYHEM_STALL: `50ms`, `1.5s`, or a bare number of milliseconds; 0 is off. Empty when it is
    /// not set or makes no sense (which is logged).
    [[nodiscard]] static std::optional<duration> threshold_from_environment();
};

}  // namespace mayhem
