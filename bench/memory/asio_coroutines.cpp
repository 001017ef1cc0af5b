// Memory of a coroutine of Asio that sleeps.

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/usage.hpp"

namespace {

bench::awaitable<> sleeper(bench::executor executor) {
    bench::timer timer(executor, std::chrono::hours(1));
    co_await timer.async_wait(bench::use_awaitable);
}

void measure_sleeping(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    for (auto _ : state) {
        asio::io_context context(bench::single_thread);
        const bench::executor executor = context.get_executor();
        const double before = bench::resident_bytes();
        for (std::int64_t count = state.range(0); count > 0; --count) {
            asio::co_spawn(executor, sleeper(executor), asio::detached);
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
