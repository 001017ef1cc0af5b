// The pipeline in one context of Asio.

#include "bench/pipeline/asio.hpp"

namespace {

void measure(benchmark::State& state, bool yields) {
    const bench::counted counting(state, bench::pipeline::batch);
    asio::io_context context(bench::single_thread);
    const auto more = [&state] { return state.KeepRunning(); };
    bench::run(context, bench::pipeline::publish(more, yields, context.get_executor()));
}

void measure_straight(benchmark::State& state) { measure(state, false); }
void measure_yielding(benchmark::State& state) { measure(state, true); }

const bool registered = [] {
    bench::add("straight", measure_straight);
    bench::add("yielding", measure_yielding);
    return true;
}();

}  // namespace
