// What awaiting costs in Asio's coroutines. Asio has no tasks that are awaited by handle; what
// comes closest is spawning a coroutine with `use_awaitable`.

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

using bench::awaitable;

awaitable<int> child(int value) { co_return value; }
awaitable<int> child_in_task(int value) { co_return value; }

awaitable<> await_children(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

awaitable<std::int64_t> chain(std::int64_t depth) {
    if (depth == 1) co_return 1;
    const std::int64_t below = co_await chain(depth - 1);
    co_return below + 1;
}

awaitable<> await_chains(benchmark::State& state) {
    for (auto _ : state) {
        const std::int64_t depth = co_await chain(state.range(0));
        benchmark::DoNotOptimize(depth);
    }
}

awaitable<> await_spawned(benchmark::State& state, bench::executor executor) {
    for (auto _ : state) {
        const int value = co_await asio::co_spawn(executor, child_in_task(1), bench::use_awaitable);
        benchmark::DoNotOptimize(value);
    }
}

awaitable<> await_turns(benchmark::State& state, bench::executor executor) {
    for (auto _ : state) co_await asio::post(executor, bench::use_awaitable);
}

void measure_child(benchmark::State& state) {
    const bench::counted counting(state);
    asio::io_context context(bench::single_thread);
    bench::run(context, await_children(state));
}

void measure_chain(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    asio::io_context context(bench::single_thread);
    bench::run(context, await_chains(state));
}

void measure_task(benchmark::State& state) {
    const bench::counted counting(state);
    asio::io_context context(bench::single_thread);
    bench::run(context, await_spawned(state, context.get_executor()));
}

void measure_turn(benchmark::State& state) {
    const bench::counted counting(state);
    asio::io_context context(bench::single_thread);
    bench::run(context, await_turns(state, context.get_executor()));
}

const bool registered = [] {
    bench::add("child", measure_child);
    bench::add_sized("chain", measure_chain, {1, 10, 100, 1000});
    bench::add("task", measure_task);
    bench::add("turn", measure_turn);
    return true;
}();

}  // namespace
