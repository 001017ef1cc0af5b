// A signal from outside, after a while on the loop's clock: for tests of programs that end by
// signals. On a virtual clock the while takes no time, and the signal comes when the program has
// nothing else to do.
//
// It refuses to kill the test program: a signal that nobody waits for fails the test instead.
#pragma once

#include <chrono>

#include "loop/event_loop.hpp"

namespace mayhem::testing {

namespace kit {
void send_signal(int signal_number);
}

/// Sends `signal_number` to this process once `delay` has passed on `loop`'s clock.
/// @returns the handle by which it can be taken back
template <typename Rep, typename Period>
handle signal_after(std::chrono::duration<Rep, Period> delay, int signal_number,
                    event_loop& loop = get_running_loop()) {
    return loop.call_later(delay, [signal_number] { kit::send_signal(signal_number); });
}

}  // namespace mayhem::testing
