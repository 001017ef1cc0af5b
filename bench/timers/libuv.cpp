// Timers of libuv. They count milliseconds of a clock that is read once per turn of the loop, so
// that a timer may be a millisecond late by design, and early after a long turn.

#include <deque>
#include <uv.h>

#include "bench/support/bench.hpp"
#include "bench/support/deadlines.hpp"

namespace {

constexpr std::int64_t batch = 1000;

std::uint64_t in_ms(std::chrono::nanoseconds delay) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(delay).count());
}

void close_all(uv_loop_t& loop) {
    uv_walk(&loop, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

void measure_arm_cancel(benchmark::State& state) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    bench::delays delays;
    std::deque<uv_timer_t> live(static_cast<std::size_t>(state.range(0)));
    for (auto& timer : live) {
        uv_timer_init(&loop, &timer);
        uv_timer_start(&timer, [](uv_timer_t*) {}, in_ms(delays.next()), 0);
    }
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    {
        const bench::counted counting(state, batch);
        for (auto _ : state) {
            for (std::int64_t count = 0; count < batch; ++count) {
                uv_timer_start(&timer, [](uv_timer_t*) {}, in_ms(delays.next()), 0);
                uv_timer_stop(&timer);
            }
        }
    }
    close_all(loop);
}

struct sleeper {
    uv_timer_t timer;
    bench::sleepers* all;
    bench::sleepers::clock::time_point deadline;
};

void measure_sleeps(benchmark::State& state) {
    for (auto _ : state) {
        bench::sleepers all(state);
        uv_loop_t loop;
        uv_loop_init(&loop);
        std::deque<sleeper> sleepers(static_cast<std::size_t>(state.range(0)));
        for (auto& one : sleepers) uv_timer_init(&loop, &one.timer);
        all.start();
        uv_update_time(&loop);
        const auto now = bench::sleepers::clock::now();
        std::int64_t number = 0;
        for (auto& one : sleepers) {
            one.all = &all;
            one.deadline = all.deadline(number++);
            one.timer.data = &one;
            const auto wake = [](uv_timer_t* timer) {
                const auto* self = static_cast<sleeper*>(timer->data);
                self->all->woke(self->deadline);
            };
            uv_timer_start(&one.timer, wake, in_ms(one.deadline - now), 0);
        }
        uv_run(&loop, UV_RUN_DEFAULT);
        all.report();
        close_all(loop);
    }
}

const bool registered = [] {
    bench::add_sized("arm_cancel", measure_arm_cancel, {100, 10'000, 100'000});
    bench::add_sized("sleeps", measure_sleeps, {100'000})->Iterations(1);
    return true;
}();

}  // namespace
