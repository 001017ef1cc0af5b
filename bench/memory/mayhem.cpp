// Memory of a task of Mayhem that sleeps: its frame, its state, its place in the registry and in
// the heap of timers.

#include "tasks/mayhem.hpp"

#include "bench/support/bench.hpp"
#include "bench/support/usage.hpp"

namespace {

mayhem::coro<> sleeper() { co_await mayhem::sleep(std::chrono::hours(1)); }

mayhem::coro<> create_all(benchmark::State& state) {
    const double before = bench::resident_bytes();
    for (std::int64_t count = state.range(0); count > 0; --count) mayhem::create_task(sleeper());
    co_await mayhem::yield();  // all have begun to sleep
    const double grown = bench::resident_bytes() - before;
    state.counters["bytes_per_task"] = grown / static_cast<double>(state.range(0));
}

void measure_sleeping(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    for (auto _ : state) mayhem::run(create_all(state));
}

const bool registered = [] {
    bench::add_sized("sleeping", measure_sleeping, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
