// What awaiting costs: a child coroutine that returns at once, a task that is created and awaited,
// a turn of the loop, and a bare callback. See await_asio.cpp for the same things in Asio.
//
// The measured loop runs inside one coroutine on one loop, so that starting and closing a loop are
// not part of the figures.

#include <benchmark/benchmark.h>
#include <chrono>

#include "tasks/mayhem.hpp"

namespace {

mayhem::coro<int> child(int value) { co_return value; }

mayhem::coro<void> await_children(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

mayhem::coro<void> await_tasks(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await mayhem::create_task(child(1));
        benchmark::DoNotOptimize(value);
    }
}

mayhem::coro<void> yield(benchmark::State& state) {
    for (auto _ : state) {
        co_await mayhem::sleep(std::chrono::seconds(0));
    }
}

void mayhem_await_child(benchmark::State& state) { mayhem::run(await_children(state)); }
BENCHMARK(mayhem_await_child);

void mayhem_create_and_await_task(benchmark::State& state) { mayhem::run(await_tasks(state)); }
BENCHMARK(mayhem_create_and_await_task);

void mayhem_yield(benchmark::State& state) { mayhem::run(yield(state)); }
BENCHMARK(mayhem_yield);

/// A callback that schedules itself until the measurement is over.
class repeated {
  public:
    repeated(benchmark::State& state, mayhem::event_loop& loop) : state_(state), loop_(loop) {}

    void operator()() {
        if (!state_.KeepRunning()) return loop_.stop();
        loop_.call_soon([this] { (*this)(); });
    }

  private:
    benchmark::State& state_;
    mayhem::event_loop& loop_;
};

void mayhem_call_soon(benchmark::State& state) {
    mayhem::event_loop loop;
    repeated callback(state, loop);
    loop.call_soon([&callback] { callback(); });
    loop.run_forever();
}
BENCHMARK(mayhem_call_soon);

}  // namespace

BENCHMARK_MAIN();
