// Sleeps of the code under test, recorded: the talk's `mock_sleep` fixture. The virtual clock makes
// every sleep free already; this tells how long each was to be, and can take it away altogether.
//
//     mock_sleep sleeps;
//     co_await save(message);
//     EXPECT_THAT(sleeps.durations(), ElementsAre(Le(1s)));
//
// By default a sleep returns at once, without giving way: nothing else runs meanwhile, so that what
// the code under test has created so far can be looked at. `sleep_fate::in_a_tick` gives way once,
// `sleep_fate::takes_its_time` only records. A sleep of zero (`yield()`) gives way always, and is
// no sleep. Timeouts and call_later are no sleeps either.
//
// It refuses to let a loop that sleeps for ever run for ever: see `sleeps_max`.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "tasks/coro/runtime.hpp"

namespace mayhem::testing {

/// One at a time on a loop; by default the running one.
class mock_sleep {
  public:
    /// After so many, a sleep throws std::runtime_error: the code under test does not end.
    static constexpr std::size_t sleeps_max = 10'000;

    explicit mock_sleep(sleep_fate fate = sleep_fate::at_once,
                        event_loop& loop = get_running_loop())
        : loop_(loop) {
        runtime::of(loop_).set_sleep_hook([this, fate](duration delay) {
            if (durations_.size() == sleeps_max) {
                throw std::runtime_error("mock_sleep: too many sleeps; does this loop ever end?");
            }
            durations_.push_back(delay);
            return fate;
        });
    }
    mock_sleep(const mock_sleep&) = delete;
    mock_sleep& operator=(const mock_sleep&) = delete;
    /// Sleeps take their time again.
    ~mock_sleep() { runtime::of(loop_).set_sleep_hook({}); }

    /// What was asked for, in order.
    [[nodiscard]] const std::vector<duration>& durations() const noexcept { return durations_; }
    [[nodiscard]] std::size_t count() const noexcept { return durations_.size(); }

  private:
    event_loop& loop_;
    std::vector<duration> durations_;
};

}  // namespace mayhem::testing
