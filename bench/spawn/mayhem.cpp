// What a task of Mayhem's costs from create_task to its end, with one turn of the loop in between.

#include "tasks/mayhem.hpp"

#include <vector>

#include "bench/support/bench.hpp"

namespace {

using mayhem::coro;

coro<> child(std::int64_t& left) {
    co_await mayhem::yield();
    --left;
}

/// Nobody holds the tasks; the last one is noticed by looking.
coro<> spawn_detached(benchmark::State& state) {
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        for (std::int64_t count = left; count > 0; --count) mayhem::create_task(child(left));
        while (left > 0) co_await mayhem::yield();
    }
}

/// Each task is held, and awaited.
coro<> spawn_joined(benchmark::State& state) {
    std::vector<mayhem::task<void>> tasks;
    tasks.reserve(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        std::int64_t left = state.range(0);
        for (std::int64_t count = left; count > 0; --count) {
            tasks.push_back(mayhem::create_task(child(left)));
        }
        for (auto& task : tasks) co_await task;
        tasks.clear();
    }
}

void measure_detached(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    mayhem::run(spawn_detached(state));
}

void measure_joined(benchmark::State& state) {
    const bench::counted counting(state, state.range(0));
    mayhem::run(spawn_joined(state));
}

const bool registered = [] {
    bench::add_sized("detached", measure_detached, {10, 100, 1000, 10'000});
    bench::add_sized("joined", measure_joined, {1000});
    bench::add_sized("cold", measure_detached, {1'000'000})->Iterations(1);
    return true;
}();

}  // namespace
