// The limit of awaiting: pooled frames and symmetric transfer, and nothing else.

#include "bench/support/raw.hpp"

#include "bench/support/bench.hpp"

namespace {

raw::task<int> child(int value) { co_return value; }

raw::job await_children(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

raw::task<std::int64_t> chain(std::int64_t depth) {
    if (depth == 1) co_return 1;
    const std::int64_t below = co_await chain(depth - 1);
    co_return below + 1;
}

raw::job await_chains(benchmark::State& state) {
    for (auto _ : state) {
        const std::int64_t depth = co_await chain(state.range(0));
        benchmark::DoNotOptimize(depth);
    }
}

raw::job run_child(int value, int& result, raw::countdown& done) {
    result = value;
    done.arrive();
    co_return;
}

raw::job await_jobs(benchmark::State& state) {
    for (auto _ : state) {
        int value = 0;
        raw::countdown done(1);
        run_child(1, value, done);
        co_await done;
        benchmark::DoNotOptimize(value);
    }
}

raw::job await_turns(benchmark::State& state) {
    for (auto _ : state) co_await raw::yield();
}

void measure_child(benchmark::State& state) {
    const bench::counted counting(state);
    await_children(state);
    raw::run_ready();
}

void measure_chain(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    await_chains(state);
    raw::run_ready();
}

void measure_task(benchmark::State& state) {
    const bench::counted counting(state);
    await_jobs(state);
    raw::run_ready();
}

void measure_turn(benchmark::State& state) {
    const bench::counted counting(state);
    await_turns(state);
    raw::run_ready();
}

const bool registered = [] {
    bench::add("child", measure_child);
    bench::add_sized("chain", measure_chain, {1, 10, 100, 1000});
    bench::add("task", measure_task);
    bench::add("turn", measure_turn);
    return true;
}();

}  // namespace
