// Time and progress, moved by hand. The clock of a CO_TEST jumps by itself when nothing else can
// happen; these are for tests that want to stand *between* two moments:
//
//     auto late = create_task(wait_for(answer.get(), 5s));
//     co_await advance(4s);
//     EXPECT_FALSE(late.done());
//     co_await advance(1s);
//     EXPECT_TRUE(late.done());
//
// Who is outside (a child process, a job in an executor, another thread) lives in real time, and
// while one is at work the clock does not jump by itself: a timeout must not overtake work that is
// merely slower than a jump. `advance` moves it all the same: so a test lets a timeout beside a
// living child pass, or the sleep that a job in an executor waits for.
//
// They refuse to wait for the outside: what a disk, a child or a thread will do is not foreseen.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>

#include "loop/clock.hpp"
#include "tasks/coro/coro.hpp"

namespace mayhem::testing {

/// After as many ticks as it was allowed, `drain` still found work.
class not_drained : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Lets everything run that can run without time passing, also what that makes ready: instead of a
/// guessed number of `yield()`s. Data on its way between two descriptors of this process arrives.
/// One task at a time may drain. @throws not_drained, with every task's stack, when there is still
/// something to run after `ticks_max` ticks: somebody is spinning.
coro<void> drain(std::size_t ticks_max = 10'000);

namespace kit {
coro<void> advance_by(duration delay);
}

/// Moves the virtual clock of the running loop to `when`, stopping at every timer on the way, and
/// drains at each stop and at the end. Returns with the clock at `when`.
/// @throws loop_error when the loop has a real clock; not_drained
coro<void> advance_to(time_point when);

/// The same, by `delay` from now. @throws std::invalid_argument when it is negative or NaN
template <typename Rep, typename Period>
coro<void> advance(std::chrono::duration<Rep, Period> delay) {
    return kit::advance_by(to_duration(delay));
}

}  // namespace mayhem::testing
