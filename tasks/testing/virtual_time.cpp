#include "tasks/testing/virtual_time.hpp"

#include <fmt/format.h>
#include <string>

#include "loop/loop_probe.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/sleep.hpp"

namespace mayhem::testing {
namespace {

/// So many ticks in a row without work mean that there is none: data that was sent in one tick is
/// seen by the next poll, or by the one after that.
constexpr int quiet_ticks = 3;

std::string describe_busy_loop(std::size_t ticks) {
    std::string text = fmt::format("drain: still busy after {} ticks; the tasks are:", ticks);
    for (const task_ref& task : all_tasks()) text += "\n" + task.format_stack();
    return text;
}

}  // namespace

coro<void> drain(std::size_t ticks_max) {
    const loop_probe probe(get_running_loop());
    int quiet = 0;
    for (std::size_t tick = 0; quiet < quiet_ticks; ++tick) {
        if (tick == ticks_max) throw not_drained(describe_busy_loop(tick));
        const bool was_alone = probe.ready_count() == 0;
        co_await yield();
        quiet = was_alone && probe.ready_count() == 0 ? quiet + 1 : 0;
    }
}

coro<void> advance_to(time_point when) {
    loop_probe probe(get_running_loop());
    probe.advance_clock(get_running_loop().time());  // refused at once when the clock is real
    co_await drain();
    for (;;) {
        const std::optional<time_point> next = probe.next_deadline();
        if (!next || *next > when) break;
        probe.advance_clock(*next);
        co_await drain();
    }
    probe.advance_clock(when);
    co_await drain();
}

namespace kit {

coro<void> advance_by(duration delay) {
    if (delay < duration{0}) throw std::invalid_argument("advance: time does not run backwards");
    co_await advance_to(deadline_after(get_running_loop().time(), delay));
}

}  // namespace kit
}  // namespace mayhem::testing
