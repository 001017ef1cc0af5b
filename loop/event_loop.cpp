#include "loop/event_loop.hpp"

#include <algorithm>
#include <poll.h>
#include <string>
#include <sys/timerfd.h>

#include "loop/log.hpp"
#include "loop/sim_backend.hpp"

namespace mayhem {
namespace {

std::string what_of(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

}  // namespace

event_loop::event_loop(const loop_options& options)
    : inbox_(std::make_shared<inbox>()),
      signals_(*this, inbox_),
      timerfd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      timer_slack_(std::clamp(options.timer_slack, duration{0}, duration(std::chrono::seconds(1)))),
      virtual_clock_(options.virtual_clock),
      virtual_now_(clock::now()),
      busy_poll_(options.busy_poll) {
    detail::count_forks();
    if (!timerfd_) throw_errno(errno, "timerfd_create");
    auto made = make_backend(options.backend, ready_, options.sim);
    if (!made) throw std::system_error(made.error(), "cannot create an event loop");
    backend_ = std::move(*made);
    simulation_ = backend_->simulation();
    if (simulation_ != nullptr) {
        virtual_clock_ = true;
        virtual_now_ = sim_epoch;
    }
    start_observing(options);
    log(log_level::debug, "Using selector: {}", backend_->name());
    watches_->timer.start(timerfd_.get());
    watches_->inbox.start(inbox_->wake_descriptor());
    if (options.on_created) options.on_created(*this);
}

event_loop::~event_loop() {
    if (is_from_before_fork()) running_ = false;  // it runs in the parent
    MAYHEM_CHECK(!running_, "an event loop was destroyed while running");
    close();
}

// ---- Scheduling ---------------------------------------------------------------------------

handle event_loop::post(detail::callback& made) {
    handle owner(&made);
    made.retain();  // before the post: the loop may run and release it at once
    if (inbox_->post(made)) return owner;
    made.release();
    throw_closed();
}

void event_loop::submit(operation& op) {
    check_thread("submit");
    if (closed_) [[unlikely]] {
        op.result = -ECANCELED;
        op.state = operation_state::completed;
        return make_ready(op);
    }
    backend_->submit(op);
}

// ---- Running ------------------------------------------------------------------------------

[[gnu::always_inline]] inline void event_loop::run_ready() noexcept {
    if (monitor_) [[unlikely]]
        return run_ready_watched();
    ready_.begin_turn();
    while (runnable* const item = ready_.next()) run_one(*item);
}

[[gnu::always_inline]] inline void event_loop::poll() {
    if (stopping_) return poll_backend(wait::no);
    if (!ready_.empty()) {
        // Only if the kernel owes us something.
        runs_since_poll_ = 0;
        const bool is_due = virtual_clock_ || (awaits_the_kernel() && backend_->is_look_due());
        if (is_due) poll_backend(wait::no);
        return;
    }
    if (virtual_clock_ && advance_virtual_clock()) return;
    if (!virtual_clock_ && arm_timerfd()) return poll_backend(wait::no);
    if (idle_hook_ && nothing_can_wake() && is_alone_()) {
        // Completions may be waiting unseen in the kernel: only a look there makes it certain.
        poll_backend(wait::no);
        inbox_->drain(ready_);
        if (!ready_.empty() || watches_->signal.has_fired()) return;
        if (nothing_can_wake()) idle_hook_();
        if (!ready_.empty() || stopping_ || !idle_hook_) return;
    }
    if (busy_poll_ > duration{} && !virtual_clock_ && poll_busily()) return;
    if (!inbox_->prepare_sleep()) return poll_backend(wait::no);
    if (debug_) [[unlikely]]
        return poll_backend_timed();
    poll_backend(wait::yes);
}

[[gnu::always_inline]] inline void event_loop::tick() {
    // A look at the kernel is a system call: while there is work, it is due now and then. Under a
    // virtual clock each tick looks, so that ticks are alike.
    if (ready_.empty() || runs_since_poll_ >= runs_between_polls || virtual_clock_ || stopping_) {
        poll();
    }
    if (!timers_.empty()) timers_.expire(time(), ready_);
    if (impatient_hook_ && watches_->timer.take_signal()) std::exchange(impatient_hook_, {})();
    inbox_->drain(ready_);
    if (watches_->signal.take_signal()) {
        signals_.dispatch();    // posts to our own inbox, too ...
        inbox_->drain(ready_);  // ... so that the handlers run in this very tick
    }
    run_ready();
}

void event_loop::run_forever() {
    check_usable();
    if (running_) throw loop_error("This event loop is already running");
    if (running_loop_or_null() != nullptr) {
        throw loop_error("Cannot run the event loop while another loop is running");
    }
    struct running_mark {
        explicit running_mark(event_loop& loop) noexcept : loop_(loop) {
            loop_.running_ = true;
            loop_.thread_ = std::this_thread::get_id();
            detail::running_loop = &loop_;
            loop_.run_begins();
        }
        running_mark(const running_mark&) = delete;
        running_mark& operator=(const running_mark&) = delete;
        ~running_mark() {
            loop_.run_ends();
            loop_.running_ = false;
            loop_.stopping_ = false;
            detail::running_loop = nullptr;
        }
        event_loop& loop_;
    };
    const running_mark mark(*this);
    do {
        tick();
    } while (!stopping_);
}

void event_loop::throw_poll_failed(const std::error_code& failure) const {
    throw std::system_error(failure, std::string(backend_->name()) + " failed");
}

/// Looks again and again instead of sleeping; for loop_options::busy_poll. @returns true when there
/// is something to do.
bool event_loop::poll_busily() {
    const time_point end = deadline_after(clock::now(), busy_poll_);
    const time_point due = timers_.empty() ? never : timers_.earliest();
    for (;;) {
        poll_backend(wait::no);
        inbox_->drain(ready_);
        if (!ready_.empty() || watches_->signal.has_fired()) return true;
        const time_point now = clock::now();
        if (now >= due) return true;
        if (now >= end) return false;
    }
}

/// Arms the timerfd for the earliest deadline, or for a little later, when there is a crowd behind
/// it; if that has changed since. @returns true when a timer is due already, and the loop must not
/// sleep.
bool event_loop::arm_timerfd() {
    if (timers_.empty()) return false;
    time_point wake = timers_.earliest();
    if (wake <= clock::now()) return true;
    wake = timers_.last_due_by(deadline_after(wake, timer_slack_));
    if (wake != timerfd_deadline_ && wake != never) arm_timerfd_at(wake);
    return false;
}

void event_loop::arm_timerfd_at(time_point deadline) {
    const auto since_boot = deadline.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
    itimerspec spec{};
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (since_boot - seconds).count();
    if (::timerfd_settime(timerfd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) != 0) {
        throw_errno(errno, "timerfd_settime");
    }
    timerfd_deadline_ = deadline;
}

/// @returns true when this tick need not block: something became ready, or time has jumped. A
/// signal that came is something: its handlers run in this tick, before time passes; and so is the
/// end of a test's patience (loop_probe.hpp), the timerfd's only use here.
bool event_loop::advance_virtual_clock() {
    poll_backend(wait::no);
    inbox_->drain(ready_);
    if (!ready_.empty() || watches_->signal.has_fired()) return true;
    if (impatient_hook_ && watches_->timer.has_fired()) return true;
    // What is outside takes real time: only the simulated kernel goes on meanwhile.
    time_point next = never;
    if (external_work_ == 0 && !timers_.empty()) next = timers_.earliest();
    if (simulation_ != nullptr) next = std::min(next, simulation_->next_completion());
    if (next == never) return false;
    virtual_now_ = std::max(virtual_now_, next);
    if (simulation_ != nullptr) simulation_->set_time(virtual_now_);
    return true;
}

std::size_t event_loop::own_operations() const noexcept {
    const auto counts = [](const watch& own) {
        return std::size_t{own.state == operation_state::in_flight};
    };
    return counts(watches_->timer) + counts(watches_->inbox) + counts(watches_->signal);
}

/// Timers and inbox are looked at in every tick; only for sleeping does the kernel watch them, too.
bool event_loop::awaits_the_kernel() const noexcept {
    return backend_->in_flight() != own_operations() || !signals_.empty();
}

bool event_loop::nothing_can_wake() const noexcept {
    // What mostly says no comes first: this is asked before every sleep.
    if (!ready_.empty() || !timers_.empty() || external_work_ != 0) return false;
    if (simulation_ == nullptr && backend_->in_flight() > watches::count) return false;
    // What waits for a simulated peer waits for this very thread.
    const std::size_t simulated = simulation_ != nullptr ? simulation_->waiting() : 0;
    if (backend_->in_flight() != own_operations() + simulated) return false;
    return signals_.empty() || signals_.watches_only(quiet_signals_);
}

// ---- Closing ------------------------------------------------------------------------------

void event_loop::close() {
    if (is_from_before_fork()) return abandon();
    if (running_) throw loop_error("Cannot close a running event loop");
    if (close_hook_) close_hook_();
    if (closed_) return;
    if (debug_) log(log_level::debug, "Close <event_loop {} debug=true>", backend_->name());
    closed_ = true;
    stop_watching_stalls();
    signals_.remove_all();
    inbox_->close(ready_);
    watches_->timer.stop();
    watches_->inbox.stop();
    watches_->signal.stop();
    // The kernel may write to buffers inside suspended frames: first it gives them back, and only
    // then are the frames destroyed. The wait is bounded: every kind of operation can be
    // cancelled, or is a file operation that ends by itself.
    backend_->cancel_all();
    while (backend_->in_flight() > 0) {
        drop_everything();
        if (backend_->poll(wait::yes)) break;
    }
    drop_everything();
    if (extension_) extension_->close();
    extension_.reset();
    simulation_ = nullptr;
    backend_.reset();
}

/// In a forked child. What is in flight belongs to the parent, and so does what waits for it: it is
/// left as it is, and its memory goes when the child ends or becomes another program.
void event_loop::abandon() noexcept {
    if (std::exchange(closed_, true)) return;
    running_ = false;
    while (ready_.pop() != nullptr) continue;
    while (timers_.pop_any() != nullptr) continue;
    [[maybe_unused]] auto* watches_of_parent = watches_.release();
    [[maybe_unused]] auto* backend_of_parent = backend_.release();
    [[maybe_unused]] auto* extension_of_parent = extension_.release();
}

void event_loop::drop_everything() noexcept {
    while (runnable* const item = ready_.pop()) item->discard();
    while (timer* item = timers_.pop_any()) item->discard();
}

// ---- Signals ------------------------------------------------------------------------------

void event_loop::add_signal_handler(int signal_number, signal_handler handler,
                                    bool counts_as_wake) {
    check_usable();
    check_thread("add_signal_handler");
    signals_.add(signal_number, std::move(handler));
    const std::size_t bit = std::size_t{1} << (signal_number - 1);
    quiet_signals_ = counts_as_wake ? quiet_signals_ & ~bit : quiet_signals_ | bit;
    watches_->signal.start(signals_.descriptor());
}

bool event_loop::remove_signal_handler(int signal_number) {
    check_thread("remove_signal_handler");
    return signals_.remove(signal_number);
}

// ---- Errors and debugging -----------------------------------------------------------------

void event_loop::call_exception_handler(const exception_context& context) noexcept {
    try {
        if (!exception_handler_) return default_exception_handler(context);
        const exception_handler running = exception_handler_;  // it may replace itself
        running(*this, context);
    } catch (...) {
        try {
            log(log_level::error, "Exception in the exception handler: {}; it was told: {}",
                what_of(std::current_exception()), context.message);
        } catch (...) {
            log_message(log_level::error, "Exception in the exception handler");
        }
    }
}

void event_loop::default_exception_handler(const exception_context& context) const {
    std::string text = context.message;
    if (!context.subject.empty()) text += "\n  " + context.subject;
    if (!context.source_traceback.empty()) {
        text += "\nsource_traceback: " + context.source_traceback;
    }
    if (context.exception) text += "\n  exception: " + what_of(context.exception);
    log_message(log_level::error, text);
}

void event_loop::set_idle_hook(std::function<bool()> is_alone, std::function<void()> hook) {
    is_alone_ = std::move(is_alone);
    idle_hook_ = std::move(hook);
}

void event_loop::set_extension(std::unique_ptr<loop_extension> extension) noexcept {
    extension_ = std::move(extension);
}

void event_loop::throw_closed() { throw loop_closed(); }

void event_loop::throw_after_fork() {
    throw loop_error(
        "This event loop belongs to the parent process, with which a forked child shares its "
        "descriptors; make a new loop in the child");
}

// ---- The loop's own descriptors -----------------------------------------------------------

void event_loop::watch::start(int descriptor) noexcept {
    if (state == operation_state::in_flight) return;
    wanted_ = true;
    prepare_poll(descriptor, POLLIN, true);
    loop_.backend_->submit(*this);
}

void event_loop::watch::stop() noexcept {
    wanted_ = false;
    loop_.backend_->cancel(*this);
}

void event_loop::watch::on_shot(std::int32_t events, bool more) noexcept {
    fired_ = true;
    if (more || !wanted_) return;
    // The kernel may end a multishot poll at any time (a full completion queue); that is no error.
    MAYHEM_CHECK(events != -EBADF, "a descriptor of the event loop was closed by somebody else");
    MAYHEM_CHECK(events != -EINVAL, "the kernel refuses to poll the event loop's descriptors");
    loop_.backend_->submit(*this);
}

}  // namespace mayhem
