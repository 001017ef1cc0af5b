// The least memory that a sleeping coroutine needs: its frame and an entry in the heap of timers.

#include "bench/support/bench.hpp"
#include "bench/support/raw_timers.hpp"
#include "bench/support/usage.hpp"

namespace {

raw::job sleeper(raw::steady::time_point deadline) { co_await raw::sleep_until(deadline); }

void measure_sleeping(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    const auto deadline = raw::steady::now() + std::chrono::hours(1);
    for (auto _ : state) {
        const double before = bench::resident_bytes();
        for (std::int64_t count = state.range(0); count > 0; --count) sleeper(deadline);
        raw::run_ready();
        const double grown = bench::resident_bytes() - before;
        state.counters["bytes_per_task"] = grown / static_cast<double>(state.range(0));
    }
    // They are left asleep: the process ends here.
}

const bool registered = [] {
    bench::add_sized("sleeping", measure_sleeping, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
