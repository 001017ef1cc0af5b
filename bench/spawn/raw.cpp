// The limit of spawning: a pooled frame joins the ready queue twice.

#include "bench/support/raw.hpp"

#include "bench/support/bench.hpp"

namespace {

raw::job child(std::int64_t& left) {
    co_await raw::yield();
    --left;
}

raw::job counted_child(raw::countdown& left) {
    co_await raw::yield();
    left.arrive();
}

raw::job spawn_detached(benchmark::State& state) {
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        for (std::int64_t count = left; count > 0; --count) child(left);
        while (left > 0) co_await raw::yield();
    }
}

/// One waits for all: the least that joining can mean.
raw::job spawn_joined(benchmark::State& state) {
    for (auto _ : state) {
        raw::countdown left(static_cast<std::size_t>(state.range(0)));
        for (std::int64_t count = state.range(0); count > 0; --count) counted_child(left);
        co_await left;
    }
}

void measure_detached(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    spawn_detached(state);
    raw::run_ready();
}

void measure_joined(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    spawn_joined(state);
    raw::run_ready();
}

const bool registered = [] {
    bench::add_sized("detached", measure_detached, {10, 100, 1000, 10'000});
    bench::add_sized("joined", measure_joined, {1000});
    bench::add_sized("cold", measure_detached, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
