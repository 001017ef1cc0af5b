// Memory of a timer of Asio that a callback waits for.

#include <deque>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/usage.hpp"

namespace {

void measure_sleeping(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    for (auto _ : state) {
        asio::io_context context(bench::single_thread);
        const double before = bench::resident_bytes();
        std::deque<bench::timer> timers;
        for (std::int64_t count = state.range(0); count > 0; --count) {
            timers.emplace_back(context, std::chrono::hours(1));
            timers.back().async_wait([](asio::error_code) {});
        }
        context.poll();
        const double grown = bench::resident_bytes() - before;
        state.counters["bytes_per_task"] = grown / static_cast<double>(state.range(0));
    }
}

const bool registered = [] {
    bench::add_sized("sleeping", measure_sleeping, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
