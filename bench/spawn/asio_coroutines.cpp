// What co_spawn costs, with one post in between. Asio has no handle to await; joining is done the
// way its users do it: the last one to end wakes a timer that never expires.

#include <asio/redirect_error.hpp>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

using bench::awaitable;

awaitable<> child(std::int64_t& left, bench::executor executor) {
    co_await asio::post(executor, bench::use_awaitable);
    --left;
}

awaitable<> spawn_detached(benchmark::State& state, bench::executor executor) {
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        for (std::int64_t count = left; count > 0; --count) {
            asio::co_spawn(executor, child(left, executor), asio::detached);
        }
        while (left > 0) co_await asio::post(executor, bench::use_awaitable);
    }
}

awaitable<> spawn_joined(benchmark::State& state, bench::executor executor) {
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        std::int64_t running = left;
        bench::timer all_done(executor, bench::timer::time_point::max());
        for (std::int64_t count = left; count > 0; --count) {
            asio::co_spawn(executor, child(left, executor), [&](std::exception_ptr) {
                if (--running == 0) all_done.cancel();
            });
        }
        asio::error_code cancelled;
        co_await all_done.async_wait(asio::redirect_error(bench::use_awaitable, cancelled));
    }
}

void measure_detached(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    asio::io_context context(bench::single_thread);
    bench::run(context, spawn_detached(state, context.get_executor()));
}

void measure_joined(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    asio::io_context context(bench::single_thread);
    bench::run(context, spawn_joined(state, context.get_executor()));
}

const bool registered = [] {
    bench::add_sized("detached", measure_detached, {10, 100, 1000, 10'000});
    bench::add_sized("joined", measure_joined, {1000});
    bench::add_sized("cold", measure_detached, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
