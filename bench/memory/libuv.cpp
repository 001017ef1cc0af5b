// Memory of a timer of libuv. It has no task; whoever waits keeps his own state beside it.

#include <deque>
#include <uv.h>

#include "bench/support/bench.hpp"
#include "bench/support/usage.hpp"

namespace {

void measure_sleeping(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    for (auto _ : state) {
        uv_loop_t loop;
        uv_loop_init(&loop);
        const double before = bench::resident_bytes();
        std::deque<uv_timer_t> timers;
        for (std::int64_t count = state.range(0); count > 0; --count) {
            uv_timer_t& timer = timers.emplace_back();
            uv_timer_init(&loop, &timer);
            uv_timer_start(&timer, [](uv_timer_t*) {}, 3'600'000, 0);
        }
        const double grown = bench::resident_bytes() - before;
        state.counters["bytes_per_task"] = grown / static_cast<double>(state.range(0));
        uv_walk(&loop, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
        uv_run(&loop, UV_RUN_DEFAULT);
        uv_loop_close(&loop);
    }
}

const bool registered = [] {
    bench::add_sized("sleeping", measure_sleeping, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
