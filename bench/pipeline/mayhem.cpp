// The pipeline in one loop of Mayhem.

#include "bench/pipeline/mayhem.hpp"

#include "bench/support/bench.hpp"

namespace {

void measure(benchmark::State& state, bool yields) {
    const bench::counted counting(state, bench::pipeline::batch);
    mayhem::run(bench::pipeline::publish([&state] { return state.KeepRunning(); }, yields));
}

void measure_straight(benchmark::State& state) { measure(state, false); }
void measure_yielding(benchmark::State& state) { measure(state, true); }

const bool registered = [] {
    bench::add("straight", measure_straight);
    bench::add("yielding", measure_yielding);
    return true;
}();

}  // namespace
