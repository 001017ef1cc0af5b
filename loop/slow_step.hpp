// Observes one step: names whoever holds the loop for too long, in debug mode's words `Executing
// ... took 1.310 seconds` (log_slow_callbacks has them without the rest of debug mode), and tells
// the stall watchdog which callback runs.
#pragma once

#include <source_location>

#include "loop/clock.hpp"
#include "loop/event_loop.hpp"

namespace mayhem::detail {

/// Measures the scope it lives in, when the loop is observed; otherwise it costs one predictable
/// branch. `Subject` has `describe()`, which is called only for a slow step, after it ended, and
/// may have `scheduled_at()`.
template <typename Subject>
class slow_step_watch {
  public:
    slow_step_watch(event_loop& loop, const Subject& subject) noexcept
        : loop_(loop), subject_(subject) {
        if (loop_.is_observed()) [[unlikely]]
            begin();
    }
    slow_step_watch(const slow_step_watch&) = delete;
    slow_step_watch& operator=(const slow_step_watch&) = delete;
    ~slow_step_watch() {
        if (is_observed_) [[unlikely]]
            end();
    }

  private:
    [[gnu::noinline]] void begin() noexcept {
        is_observed_ = true;
        if constexpr (has_site) loop_.set_running_callback(&subject_.scheduled_at());
        if (!loop_.times_steps()) return;
        is_timed_ = true;
        started_ = loop_.step_time();
    }
    [[gnu::noinline]] void end() noexcept {
        if constexpr (has_site) loop_.set_running_callback(nullptr);
        if (!is_timed_) return;
        const duration took = loop_.step_time() - started_;
        if (took < loop_.slow_callback_duration()) return;
        try {
            loop_.report_slow_step(subject_.describe(), took);
        } catch (...) {
            // No memory for the message: the step was slow all the same, and is over.
        }
    }

    static constexpr bool has_site = requires(const Subject& subject) { subject.scheduled_at(); };

    event_loop& loop_;
    const Subject& subject_;
    bool is_observed_ = false;
    bool is_timed_ = false;
    time_point started_;
};

}  // namespace mayhem::detail
