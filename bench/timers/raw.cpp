// The limit of timers: a 4-ary heap, and a timerfd that is armed for the earliest.

#include <deque>

#include "bench/support/bench.hpp"
#include "bench/support/deadlines.hpp"
#include "bench/support/raw_timers.hpp"

namespace {

constexpr std::int64_t batch = 1000;

void measure_arm_cancel(benchmark::State& state) {
    bench::delays delays;
    const auto now = raw::steady::now();
    raw::timer_heap heap;
    std::deque<raw::timer> live(static_cast<std::size_t>(state.range(0)));
    for (auto& timer : live) heap.add(timer, now + delays.next());
    raw::timer timer;
    const bench::counted counting(state, batch);
    for (auto _ : state) {
        for (std::int64_t count = 0; count < batch; ++count) {
            heap.add(timer, now + delays.next());
            heap.remove(timer);
        }
    }
}

raw::job sleeper(bench::sleepers& all, std::int64_t number) {
    const auto deadline = all.deadline(number);
    co_await raw::sleep_until(deadline);
    all.woke(deadline);
}

void measure_sleeps(benchmark::State& state) {
    for (auto _ : state) {
        bench::sleepers all(state);
        raw::timer_loop loop;
        for (std::int64_t number = 0; number < state.range(0); ++number) sleeper(all, number);
        all.start();
        loop.run();
        all.report();
    }
}

const bool registered = [] {
    bench::add_sized("arm_cancel", measure_arm_cancel, {100, 10'000, 100'000});
    bench::add_sized("sleeps", measure_sleeps, {100'000})->Iterations(1);
    return true;
}();

}  // namespace
