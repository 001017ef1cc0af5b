// The event loop: what asyncio calls BaseEventLoop, and what every task runs on.
//
// One iteration, the tick:
//
//        +-> 1. poll      hand new operations to the kernel, reap completions;
//        |                block only if nothing is ready
//        |   2. timers    due ones join the ready queue, in deadline order
//        |   3. inbox     what other threads posted joins the ready queue
//        +-- 4. run       the ready queue as it stands now, first in, first out
//
// Completions, due timers and foreign calls all become entries of the one ready queue, and user
// code runs only in step 4. Step 4 runs a snapshot: a callback that schedules a callback waits for
// the next tick, so a flood of callbacks cannot starve I/O, and the other way round.
//
// The loop belongs to one thread of one process: all but `call_soon_threadsafe` and `remote()`.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>

#include "loop/backend.hpp"
#include "loop/clock.hpp"
#include "loop/context.hpp"
#include "loop/error.hpp"
#include "loop/handle.hpp"
#include "loop/inbox.hpp"
#include "loop/loop_binding.hpp"
#include "loop/loop_options.hpp"
#include "loop/running_loop.hpp"
#include "loop/signals.hpp"
#include "loop/timer_queue.hpp"

namespace mayhem {

namespace detail {
class step_monitor;
}

class event_loop {
  public:
    /// Throws std::system_error when no backend can be had (no descriptors, no memory).
    explicit event_loop(const loop_options& options = {});
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;
    /// Closes the loop. REQUIRES: it is not running.
    ~event_loop();

    // In debug mode everything here throws loop_error when it is called on another thread than the
    // one that runs the loop, but for what says that it is thread-safe.

    // ---- Scheduling -----------------------------------------------------------------------

    /// Runs `function` on the next tick, after what was scheduled before.
    /// @throws loop_closed
    template <loop_function Function>
    handle call_soon(Function&& function,
                     std::source_location where = std::source_location::current()) {
        check_usable();
        check_thread("call_soon");
        auto* state = make_callback(std::forward<Function>(function), where);
        state->retain();  // one reference for the loop, one for the handle
        make_ready(*state);
        return handle(state);
    }

    /// Runs `function` once `delay` has passed; never early. A delay <= 0 means the next tick.
    /// @throws loop_closed; std::invalid_argument when the delay is NaN
    template <typename Rep, typename Period, loop_function Function>
    handle call_later(std::chrono::duration<Rep, Period> delay, Function&& function,
                      std::source_location where = std::source_location::current()) {
        check_thread("call_later");
        return call_at(deadline_after(time(), to_duration(delay)), std::forward<Function>(function),
                       where);
    }

    /// Runs `function` at `when` on this loop's clock. Equal deadlines run in scheduling order.
    template <loop_function Function>
    handle call_at(time_point when, Function&& function,
                   std::source_location where = std::source_location::current()) {
        check_usable();
        check_thread("call_at");
        auto* state = make_callback(std::forward<Function>(function), where);
        handle owner(state);
        state->set_when(when);
        arm_timer(*state, when);
        state->retain();
        return owner;
    }

    /// call_soon from any thread: wakes the loop when it sleeps.
    /// @throws loop_closed. The loop object itself must still exist; a thread that cannot know
    /// holds a `remote()` instead.
    template <loop_function Function>
    handle call_soon_threadsafe(Function&& function,
                                std::source_location where = std::source_location::current()) {
        refuse_after_fork();
        return post(*new detail::callback_of<std::decay_t<Function>>(
            std::forward<Function>(function), *this, context::active(), where,
            detail::reach::any_thread));
    }

    /// @throws loop_error in a forked child, where a loop of its parent may not be used
    void refuse_after_fork() const {
        if (is_from_before_fork()) [[unlikely]]
            throw_after_fork();
    }

    /// The loop's inbox, which may be kept, and refuses posts after the loop is gone.
    [[nodiscard]] std::shared_ptr<inbox> remote() const noexcept { return inbox_; }

    /// The loop's clock, monotonic; the base of call_at.
    [[nodiscard]] time_point time() const noexcept {
        return virtual_clock_ ? virtual_now_ : clock::now();
    }

    // ---- Running --------------------------------------------------------------------------

    /// Ticks until `stop()`. @throws loop_error when already running or when another loop runs on
    /// this thread; std::system_error when the kernel object fails.
    void run_forever();

    /// Lets the current tick finish and then makes run_forever return. Called before run_forever,
    /// it makes that run exactly one tick, without blocking.
    void stop() {
        check_thread("stop");
        stopping_ = true;
    }

    [[nodiscard]] bool is_running() const noexcept { return running_; }
    [[nodiscard]] bool is_closed() const noexcept { return closed_; }
    [[nodiscard]] bool is_plain() const noexcept { return !closed_ && !debug_; }

    /// Cancels what is in flight and waits for it, drops what is scheduled, destroys what is
    /// suspended, restores signal masks. Closing twice is fine. @throws loop_error when running.
    void close();

    // ---- Signals --------------------------------------------------------------------------

    /// Calls `handler` with the signal's number on the loop, not in a signal context. Replaces an
    /// earlier handler. `counts_as_wake` is false for handlers that only end the program (Ctrl-C):
    /// waiting for them alone is still a deadlock. See signals.hpp for errors.
    void add_signal_handler(int signal_number, signal_handler handler, bool counts_as_wake = true);
    /// @returns false when there was none.
    bool remove_signal_handler(int signal_number);
    [[nodiscard]] bool has_signal_handler(int signal_number) const {
        return signals_.watches(signal_number);
    }

    // ---- Errors and debugging -------------------------------------------------------------

    /// Replaces what happens to errors that nobody awaits; empty restores the default, which logs.
    void set_exception_handler(exception_handler handler) {
        check_thread("set_exception_handler");
        exception_handler_ = std::move(handler);
    }
    /// What was set; empty for the default.
    [[nodiscard]] const exception_handler& get_exception_handler() const noexcept {
        return exception_handler_;
    }
    /// Reports to the exception handler; what that throws is logged and goes no further.
    void call_exception_handler(const exception_context& context) noexcept;
    /// Logs the context at level error.
    void default_exception_handler(const exception_context& context) const;

    void set_debug(bool enabled) noexcept;
    [[nodiscard]] bool debug() const noexcept { return debug_; }
    /// Steps that take at least this long, give or take a twentieth, are logged in debug mode; the
    /// default is 100 ms.
    void set_slow_callback_duration(duration threshold) noexcept;
    [[nodiscard]] duration slow_callback_duration() const noexcept { return slow_threshold_; }
    /// The slow-step warning alone, without the rest of debug mode (what aiodebug does).
    void log_slow_callbacks(duration threshold) noexcept;
    /// Reports steps while they last for `threshold` or longer; 0 stops that. See loop_options.
    /// @throws std::system_error when no thread can be started
    void watch_stalls(duration threshold);
    /// For tests: what steps and polls are measured with, so that a step can "take" a second.
    /// Empty restores the clock. Timers do not follow it.
    void set_step_clock(std::function<time_point()> source) { step_clock_ = std::move(source); }

    /// In debug mode, throws loop_error when called on a thread other than the one that runs the
    /// loop; names both threads and `what`.
    void check_thread(std::string_view what) const {
        if (debug_) [[unlikely]]
            check_thread_slowly(what);
    }

    /// Different for each loop that this process ever had.
    [[nodiscard]] std::uint64_t id() const noexcept { return debugged_.id(); }
    [[nodiscard]] std::string_view backend_name() const noexcept { return backend_->name(); }

    // ---- For awaiters ---------------------------------------------------------------------

    /// Appends to the ready queue. Once the loop closes, `item` is discarded at once instead: the
    /// frame that it lives in may be the next one to be destroyed.
    void make_ready(runnable& item) noexcept {
        if (closed_) [[unlikely]]
            return item.discard();
        ready_.push(item);
    }
    /// The same, for who knows that the loop is open.
    void push_ready(runnable& item) noexcept { ready_.push(item); }
    /// Starts an operation; its `run` is called when it is complete. On a closed loop it completes
    /// with -ECANCELED without having been started.
    void submit(operation& op);
    /// The same, for an awaiter that goes on at once when there is nothing to wait for. @returns
    /// true when `op` is complete: it has its result, and its `run` is not called. In one step
    /// that happens a bounded number of times, and for so many bytes: others have their turn, and
    /// who reads what was written finds it in the cache.
    [[nodiscard]] bool start(operation& op) {
        if (closed_) return submit(op), false;
        check_thread("submit");
        if (!backend_->start(op)) return false;
        const bool is_long = op.result >= bytes_as_one_run && transfers_bytes(op.code);
        const std::int32_t cost = is_long ? op.result / bytes_as_one_run : 0;
        runs_since_poll_ += static_cast<std::size_t>(cost);
        at_once_left_ -= 1 + cost;
        if (at_once_left_ < 0) ready_.push(op);
        return at_once_left_ >= 0;
    }
    void cancel(operation& op) noexcept { backend_->cancel(op); }
    void arm_timer(timer& item, time_point deadline) {
        check_thread("arm_timer");
        timers_.add(item, deadline);
    }
    void cancel_timer(timer& item) noexcept { timers_.remove(item); }
    /// Tells the backend that `fd` is about to be closed with ::close.
    void release(int fd) noexcept {
        if (backend_) backend_->forget(fd);
    }
    [[nodiscard]] const backend& get_backend() const noexcept { return *backend_; }
    /// The simulated kernel under this loop; null on a real one.
    [[nodiscard]] sim_backend* simulation() const noexcept { return simulation_; }

    /// The context of the step that runs; null between steps. See context_switch.
    [[nodiscard]] context*& active_context() noexcept { return active_context_; }

    /// Counts sources of wake-ups that the loop cannot see: executor jobs, child processes, files,
    /// thread-safe futures. While there are any, a virtual clock waits for them in real time, and
    /// an idle loop is not a deadlock.
    void begin_external_work() noexcept { ++external_work_; }
    void end_external_work() noexcept { --external_work_; }

    /// `hook` is called when nothing is ready, nothing that the loop knows of can ever make it so,
    /// and `is_alone` says that nobody else will: it is asked first, and the loop looks once more
    /// after that, so that who woke it and is gone was heard. Both or neither: then it just blocks.
    void set_idle_hook(std::function<bool()> is_alone, std::function<void()> hook);

    [[nodiscard]] loop_extension* extension() const noexcept { return extension_.get(); }
    void set_extension(std::unique_ptr<loop_extension> extension) noexcept;

    /// True when anything wants to know of steps: debug mode, log_slow_callbacks, the watchdog, or
    /// whoever asked by `observe_steps`.
    [[nodiscard]] bool is_observed() const noexcept { return observed_; }
    /// For a layer above that observes steps, too.
    void observe_steps(bool wanted) noexcept {
        observed_from_above_ = wanted;
        update_observed();
    }
    /// True when steps are timed: debug mode, or log_slow_callbacks.
    [[nodiscard]] bool times_steps() const noexcept { return times_steps_; }
    /// What steps are timed with.
    [[nodiscard]] time_point step_time() const;
    /// Tells the watchdog which callback runs; null when it has ended.
    void set_running_callback(const std::source_location* where) noexcept;
    /// Logs asyncio's `Executing <...> took 1.310 seconds`.
    void report_slow_step(const std::string& subject, duration took) noexcept;

  private:
    friend class loop_probe;  // what tests may see and do, and programs may not

    /// A multishot poll on one of the loop's own descriptors, re-armed when the kernel ends it.
    class watch final : public operation {
      public:
        explicit watch(event_loop& loop) noexcept : loop_(loop) {}
        void start(int descriptor) noexcept;
        void stop() noexcept;
        void on_shot(std::int32_t events, bool more) noexcept override;
        void run() noexcept override {}
        [[nodiscard]] bool has_fired() const noexcept { return fired_; }
        [[nodiscard]] bool take_signal() noexcept { return std::exchange(fired_, false); }

      private:
        event_loop& loop_;
        bool wanted_ = false;
        bool fired_ = false;
    };
    struct watches {
        static constexpr std::size_t count = 3;
        explicit watches(event_loop& loop) noexcept : timer(loop), inbox(loop), signal(loop) {}
        watch timer;
        watch inbox;
        watch signal;
    };

    void tick();
    void poll();
    void poll_backend(wait mode) {
        runs_since_poll_ = 0;
        if (const std::error_code failure = backend_->poll(mode)) [[unlikely]]
            throw_poll_failed(failure);
    }
    [[noreturn]] void throw_poll_failed(const std::error_code& failure) const;
    void poll_backend_timed();
    bool poll_busily();
    [[nodiscard]] time_point poll_time() const;
    bool arm_timerfd();
    void arm_timerfd_at(time_point deadline);
    bool advance_virtual_clock();
    [[nodiscard]] bool awaits_the_kernel() const noexcept;
    bool nothing_can_wake() const noexcept;
    void run_ready() noexcept;
    void run_one(runnable& item) noexcept {
        ++runs_since_poll_;
        at_once_left_ = at_once_per_step;
        item.run();
    }
    void run_ready_watched() noexcept;
    void drop_everything() noexcept;
    void abandon() noexcept;
    [[nodiscard]] bool is_from_before_fork() const noexcept { return forks_ != detail::forks; }
    void check_usable() const {
        if (closed_) [[unlikely]]
            throw_closed();
        refuse_after_fork();
    }
    [[noreturn]] static void throw_closed();
    [[noreturn]] static void throw_after_fork();
    template <typename Function>
    detail::callback* make_callback(Function&& function, const std::source_location& where) {
        // What runs on a running loop's thread runs in its active context.
        const bool is_inside = running_ && active_context_ != nullptr;
        return new detail::callback_of<std::decay_t<Function>>(
            std::forward<Function>(function), *this,
            is_inside ? *active_context_ : context::active(), where,
            debug_ ? detail::reach::checked_thread : detail::reach::own_thread);
    }
    handle post(detail::callback& made);
    [[gnu::cold]] void check_thread_slowly(std::string_view what) const;
    [[nodiscard]] std::size_t own_operations() const noexcept;
    void start_observing(const loop_options& options);
    void update_observed() noexcept;
    void run_begins() noexcept;
    void run_ends() noexcept;
    void stop_watching_stalls() noexcept;

    /// As tokio's event_interval: a loop that is never idle looks at the kernel this often.
    static constexpr std::size_t runs_between_polls = 61;
    /// Operations that complete at once in one step; see `start`.
    static constexpr std::int32_t at_once_per_step = 16;
    /// So many bytes count as one run more, for the above and for the next look at the kernel.
    static constexpr std::int32_t bytes_as_one_run = 8 << 10;

    ready_queue ready_;
    std::size_t runs_since_poll_ = 0;
    std::int32_t at_once_left_ = 0;
    timer_queue timers_;
    std::unique_ptr<backend> backend_;
    sim_backend* simulation_ = nullptr;
    std::shared_ptr<inbox> inbox_;
    signal_set signals_;
    unique_fd timerfd_;
    time_point timerfd_deadline_ = never;
    const duration timer_slack_;
    std::unique_ptr<watches> watches_ = std::make_unique<watches>(*this);

    const unsigned forks_ = detail::forks;  // when it was made
    bool running_ = false;
    bool stopping_ = false;
    bool closed_ = false;
    bool debug_ = false;
    bool observed_ = false;
    bool observed_from_above_ = false;
    bool times_steps_ = false;
    bool times_coarsely_ = false;
    bool virtual_clock_ = false;
    time_point virtual_now_;
    const duration busy_poll_;
    std::thread::id thread_;
    std::size_t external_work_ = 0;
    std::size_t quiet_signals_ = 0;  // a mask of signals that do not count as wake-ups
    duration slow_threshold_{};
    context* active_context_ = nullptr;
    exception_handler exception_handler_;
    std::function<bool()> is_alone_;
    std::function<void()> idle_hook_;
    std::function<time_point()> step_clock_;
    detail::debugged_loop debugged_;
    std::shared_ptr<detail::step_monitor> monitor_;  // null unless stalls are watched
    std::function<void()> close_hook_;
    std::function<void()> impatient_hook_;
    std::unique_ptr<loop_extension> extension_;
};

}  // namespace mayhem
