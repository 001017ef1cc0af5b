// The part of the event loop that observes itself: debug mode, slow steps and polls, the refusal of
// foreign threads, the stall watchdog. Nothing here runs unless it was asked for.
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

#include "loop/event_loop.hpp"
#include "loop/log.hpp"
#include "loop/stall_watchdog.hpp"

namespace mayhem {
namespace {

constexpr duration default_slow_threshold = std::chrono::milliseconds(100);
constexpr duration default_stall_threshold = std::chrono::milliseconds(50);

bool debug_from_environment() {
    const char* value = std::getenv("MAYHEM_DEBUG");
    return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace

void event_loop::start_observing(const loop_options& options) {
    set_slow_callback_duration(default_slow_threshold);
    set_debug(options.debug.value_or(debug_from_environment()));
    auto threshold = options.stall_watchdog;
    if (!threshold) threshold = stall_watchdog::threshold_from_environment();
    watch_stalls(threshold.value_or(debug_ ? default_stall_threshold : duration{}));
}

void event_loop::set_debug(bool enabled) noexcept {
    debug_ = enabled;
    times_steps_ = enabled;
    update_observed();
    if (running_) debugged_.leave();
    if (running_ && enabled) debugged_.enter();
}

void event_loop::log_slow_callbacks(duration threshold) noexcept {
    set_slow_callback_duration(threshold);
    times_steps_ = true;
    update_observed();
}

/// Reading the clock is most of what debug mode costs, so long thresholds are watched by the cheap
/// one: it goes in steps of milliseconds, which matter to short thresholds only.
void event_loop::set_slow_callback_duration(duration threshold) noexcept {
    slow_threshold_ = threshold;
    times_coarsely_ = threshold >= 20 * detail::coarse_resolution();
}

time_point event_loop::step_time() const {
    if (step_clock_) return step_clock_();
    return times_coarsely_ ? detail::coarse_now() : clock::now();
}

time_point event_loop::poll_time() const { return step_clock_ ? step_clock_() : clock::now(); }

void event_loop::watch_stalls(duration threshold) {
    stop_watching_stalls();
    if (threshold <= duration{}) return;
    monitor_ = stall_watchdog::watch(threshold);
    if (running_) monitor_->enter_thread(*this);
    update_observed();
}

void event_loop::stop_watching_stalls() noexcept {
    if (!monitor_) return;
    if (running_) monitor_->leave_thread();
    stall_watchdog::forget(monitor_);
    monitor_.reset();
    update_observed();
}

void event_loop::update_observed() noexcept {
    observed_ = times_steps_ || monitor_ != nullptr || observed_from_above_;
}

void event_loop::run_begins() noexcept {
    if (debug_) debugged_.enter();
    if (monitor_) monitor_->enter_thread(*this);
}

void event_loop::run_ends() noexcept {
    if (monitor_) monitor_->leave_thread();
    debugged_.leave();
}

/// run_ready, telling the watchdog where steps begin and end.
void event_loop::run_ready_watched() noexcept {
    ready_.begin_turn();
    while (runnable* const item = ready_.next()) {
        // A step may switch the watchdog on, off, or to another threshold.
        if (monitor_) monitor_->begin_step();
        run_one(*item);
        if (monitor_) monitor_->end_step();
    }
}

void event_loop::set_running_callback(const std::source_location* where) noexcept {
    if (monitor_) monitor_->set_callback(where);
}

void event_loop::report_slow_step(const std::string& subject, duration took) noexcept {
    const std::chrono::duration<double> seconds = took;
    try {
        log(log_level::warning, "Executing {} took {:.3f} seconds", subject, seconds.count());
    } catch (...) {
        log_message(log_level::warning, "Executing a slow step");
    }
}

/// Polls, and says how long that took: at level info when it was a second or more. A poll that was
/// to end at a deadline and did, without events, is worth no line.
void event_loop::poll_backend_timed() {
    using milliseconds = std::chrono::duration<double, std::milli>;
    const bool has_limit = !timers_.empty() && timers_.earliest() != never;
    const milliseconds limit = has_limit ? timers_.earliest() - time() : duration{};
    const time_point before = poll_time();
    poll_backend(wait::yes);
    const milliseconds took = poll_time() - before;
    const log_level level = took >= std::chrono::seconds(1) ? log_level::info : log_level::debug;
    const std::size_t events = ready_.size();
    if (!has_limit) {
        log(level, "poll took {:.3f} ms: {} events", took.count(), events);
    } else if (events > 0) {
        log(level, "poll {:.3f} ms took {:.3f} ms: {} events", limit.count(), took.count(), events);
    } else if (level == log_level::info) {
        log(level, "poll {:.3f} ms took {:.3f} ms: timeout", limit.count(), took.count());
    }
}

void event_loop::check_thread_slowly(std::string_view what) const {
    if (!running_ || thread_ == std::this_thread::get_id()) return;
    detail::throw_wrong_thread(what, debugged_.thread());
}

}  // namespace mayhem
