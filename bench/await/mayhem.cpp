// What awaiting costs in Mayhem: a child that returns at once, a chain of them, a task that is
// created and awaited, a turn of the loop, and a bare callback.
//
// The measured loop runs inside one coroutine on one loop, so that starting and closing a loop are
// not part of the figures.

#include "tasks/mayhem.hpp"

#include "bench/support/bench.hpp"
#include "bench/support/repeated.hpp"

namespace {

using mayhem::coro;

// Twice the same: where a function has one caller, the compiler may put its beginning there. It
// does so for the limit; each program gives it the chance.
coro<int> child(int value) { co_return value; }
coro<int> child_in_task(int value) { co_return value; }

coro<> await_children(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

/// Awaits a child that awaits a child ... `depth` in all.
coro<std::int64_t> chain(std::int64_t depth) {
    if (depth == 1) co_return 1;
    const std::int64_t below = co_await chain(depth - 1);
    co_return below + 1;
}

coro<> await_chains(benchmark::State& state) {
    for (auto _ : state) {
        const std::int64_t depth = co_await chain(state.range(0));
        benchmark::DoNotOptimize(depth);
    }
}

coro<> await_tasks(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await mayhem::create_task(child_in_task(1));
        benchmark::DoNotOptimize(value);
    }
}

coro<> await_turns(benchmark::State& state) {
    for (auto _ : state) co_await mayhem::yield();
}

void measure_child(benchmark::State& state) {
    const bench::counted counting(state);
    mayhem::run(await_children(state));
}

void measure_chain(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    mayhem::run(await_chains(state));
}

void measure_task(benchmark::State& state) {
    const bench::counted counting(state);
    mayhem::run(await_tasks(state));
}

void measure_turn(benchmark::State& state) {
    const bench::counted counting(state);
    mayhem::run(await_turns(state));
}

void measure_callback(benchmark::State& state) {
    const bench::counted counting(state);
    mayhem::event_loop loop;
    bench::repeated callback(state, loop);
    loop.call_soon([&callback] { callback(); });
    loop.run_forever();
}

const bool registered = [] {
    bench::add("child", measure_child);
    bench::add_sized("chain", measure_chain, {1, 10, 100, 1000});
    bench::add("task", measure_task);
    bench::add("turn", measure_turn);
    bench::add("callback", measure_callback);
    return true;
}();

}  // namespace
