// How late the loop is: what aiodebug's monitor_loop_lag measures. A timer is set again and again,
// and the time between its deadline and its turn is what everybody else waits, too.
//
// The lag says that something holds the loop, not what: for that there are slow steps
// (event_loop::log_slow_callbacks) and the stall watchdog.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "loop/clock.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/debug/statsd.hpp"

namespace mayhem {

/// One measurement.
struct loop_lag {
    duration lag;       ///< how late the timer was; 0 for an idle loop
    std::size_t tasks;  ///< how many tasks the loop had, the monitor's own not counted
};

using loop_lag_sink = std::function<void(const loop_lag&)>;

inline constexpr duration default_loop_lag_interval = std::chrono::milliseconds(250);

/// Calls `sink` on the running loop every `interval`, until the task that this gives is cancelled.
/// What the sink throws ends the task. Note that a loop with a monitor always waits for a timer, so
/// it never counts as deadlocked. @throws std::invalid_argument when the interval is not positive
task<void> monitor_loop_lag(loop_lag_sink sink, duration interval = default_loop_lag_interval);

/// The same to StatsD: the timing `loop_lag` and the gauge `tasks`, behind the client's prefix.
task<void> monitor_loop_lag(statsd_client client, duration interval = default_loop_lag_interval);

}  // namespace mayhem
