// The same work without coroutines: a callback that posts a callback. What it does not have is
// anything to hold, to await or to ask.

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

void measure_detached(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    asio::io_context context(bench::single_thread);
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        for (std::int64_t count = left; count > 0; --count) {
            asio::post(context, [&] { asio::post(context, [&] { --left; }); });
        }
        context.run();
        context.restart();
        benchmark::DoNotOptimize(left);
    }
}

const bool registered = [] {
    bench::add_sized("detached", measure_detached, {10, 100, 1000, 10'000});
    bench::add_sized("cold", measure_detached, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
