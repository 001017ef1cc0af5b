// Names whoever holds the loop for too long: debug mode's `Executing ... took 1.310 seconds`, and
// `log_slow_callbacks` without the rest of debug mode.
#pragma once

#include "loop/clock.hpp"
#include "loop/event_loop.hpp"

namespace mayhem::detail {

/// Measures the scope it lives in, when the loop is observed; otherwise it costs one predictable
/// branch. `Subject` has `describe()`, which is called only for a slow step, after it ended.
template <typename Subject>
class slow_step_watch {
  public:
    slow_step_watch(event_loop& loop, const Subject& subject) noexcept
        : loop_(loop), subject_(subject) {
        if (loop_.is_observed()) [[unlikely]]
            started_ = clock::now();
    }
    slow_step_watch(const slow_step_watch&) = delete;
    slow_step_watch& operator=(const slow_step_watch&) = delete;
    ~slow_step_watch() {
        if (started_ != time_point{}) [[unlikely]]
            report();
    }

  private:
    [[gnu::noinline]] void report() noexcept {
        const duration took = clock::now() - started_;
        if (took < loop_.slow_callback_duration()) return;
        try {
            loop_.report_slow_step(subject_.describe(), took);
        } catch (...) {
            // No memory for the message: the step was slow all the same, and is over.
        }
    }

    event_loop& loop_;
    const Subject& subject_;
    time_point started_{};
};

}  // namespace mayhem::detail
