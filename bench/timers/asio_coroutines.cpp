// Many coroutines of Asio that sleep, each on a timer of its own.

#include <asio/steady_timer.hpp>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/deadlines.hpp"

namespace {

bench::awaitable<> sleeper(bench::sleepers& all, std::int64_t number, bench::executor executor) {
    const auto deadline = all.deadline(number);
    bench::timer timer(executor, deadline);
    co_await timer.async_wait(bench::use_awaitable);
    all.woke(deadline);
}

void measure_sleeps(benchmark::State& state) {
    for (auto _ : state) {
        bench::sleepers all(state);
        asio::io_context context(bench::single_thread);
        const bench::executor executor = context.get_executor();
        asio::post(context, [&all] { all.start(); });  // co_spawn defers what it starts to here
        for (std::int64_t number = 0; number < state.range(0); ++number) {
            asio::co_spawn(executor, sleeper(all, number, executor), asio::detached);
        }
        context.run();
        all.report();
    }
}

const bool registered = [] {
    bench::add_sized("sleeps", measure_sleeps, {100'000})->Iterations(1);
    return true;
}();

}  // namespace
