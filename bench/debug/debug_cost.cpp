// What being observed costs per await, task, step and callback: each workload is run in each mode.
// The modes of one workload do the same work; what they are compared with is `off` of the same run.

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "bench/support/repeated.hpp"
#include "loop/log.hpp"
#include "tasks/mayhem.hpp"

namespace {

using namespace std::chrono_literals;

enum class mode { off, slow_steps, watchdog, debug };

void observe(mayhem::event_loop& loop, mode how) {
    mayhem::set_log_level(mayhem::log_level::error);
    loop.set_debug(how == mode::debug);
    loop.set_slow_callback_duration(1h);
    if (how == mode::slow_steps) loop.log_slow_callbacks(1h);
    loop.watch_stalls(how == mode::watchdog ? 1h : 0h);
}

mayhem::coro<int> child(int value) { co_return value; }

mayhem::coro<void> await_children(benchmark::State& state, mode how) {
    observe(mayhem::get_running_loop(), how);
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

mayhem::coro<void> await_tasks(benchmark::State& state, mode how) {
    observe(mayhem::get_running_loop(), how);
    for (auto _ : state) {
        const int value = co_await mayhem::create_task(child(1));
        benchmark::DoNotOptimize(value);
    }
}

mayhem::coro<void> yield(benchmark::State& state, mode how) {
    observe(mayhem::get_running_loop(), how);
    for (auto _ : state) co_await mayhem::sleep(0s);
}

/// Two tasks hand items to each other: the primitives that debug mode checks.
mayhem::coro<void> queue(benchmark::State& state, mode how) {
    observe(mayhem::get_running_loop(), how);
    mayhem::queue<int> items;
    for (auto _ : state) {
        items.put_nowait(1);
        const int value = co_await items.get();
        benchmark::DoNotOptimize(value);
    }
}

void await_child(benchmark::State& state, mode how) { mayhem::run(await_children(state, how)); }
void create_and_await_task(benchmark::State& state, mode how) {
    mayhem::run(await_tasks(state, how));
}
void yield_once(benchmark::State& state, mode how) { mayhem::run(yield(state, how)); }
void queue_put_and_get(benchmark::State& state, mode how) { mayhem::run(queue(state, how)); }

void call_soon(benchmark::State& state, mode how) {
    mayhem::event_loop loop;
    observe(loop, how);
    bench::repeated callback(state, loop);
    loop.call_soon([&callback] { callback(); });
    loop.run_forever();
}

void in_every_mode(const char* name, void (*workload)(benchmark::State&, mode)) {
    const std::pair<mode, const char*> modes[] = {{mode::off, "off"},
                                                  {mode::slow_steps, "slow_steps"},
                                                  {mode::watchdog, "watchdog"},
                                                  {mode::debug, "debug"}};
    for (const auto& [how, label] : modes) {
        auto* const added =
            benchmark::RegisterBenchmark((std::string(name) + "/" + label).c_str(), workload, how);
        const char* const asked = std::getenv("BENCH_ITERATIONS");
        if (asked != nullptr) added->Iterations(std::atol(asked));
    }
}

}  // namespace

int main(int argc, char** argv) {
    in_every_mode("await_child", await_child);
    in_every_mode("create_and_await_task", create_and_await_task);
    in_every_mode("yield", yield_once);
    in_every_mode("queue_put_and_get", queue_put_and_get);
    in_every_mode("call_soon", call_soon);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
