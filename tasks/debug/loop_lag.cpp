#include "tasks/debug/loop_lag.hpp"

#include <stdexcept>
#include <utility>

#include "tasks/coro/runtime.hpp"
#include "tasks/sleep.hpp"

namespace mayhem {
namespace {

coro<loop_lag> measure(duration interval) {
    event_loop& loop = get_running_loop();
    const time_point due = deadline_after(loop.time(), interval);
    co_await sleep_until(due);
    const loop_lag measured{.lag = loop.time() - due,
                            .tasks = runtime::of(loop).pending_tasks() - 1};
    co_return measured;
}

coro<void> feed(loop_lag_sink sink, duration interval) {
    for (;;) sink(co_await measure(interval));
}

coro<void> feed_statsd(statsd_client client, duration interval) {
    for (;;) {
        const loop_lag measured = co_await measure(interval);
        co_await client.timing("loop_lag", measured.lag);
        co_await client.gauge("tasks", static_cast<double>(measured.tasks));
    }
}

void refuse_busy_loop(duration interval) {
    if (interval > duration{}) return;
    throw std::invalid_argument("the interval of monitor_loop_lag must be positive");
}

}  // namespace

task<void> monitor_loop_lag(loop_lag_sink sink, duration interval) {
    refuse_busy_loop(interval);
    return create_task(feed(std::move(sink), interval), "loop-lag");
}

task<void> monitor_loop_lag(statsd_client client, duration interval) {
    refuse_busy_loop(interval);
    return create_task(feed_statsd(std::move(client), interval), "loop-lag");
}

}  // namespace mayhem
