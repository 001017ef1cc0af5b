// Timers of Mayhem: arming and cancelling among many, as an awaiter does it and as call_later does
// it, and many sleeping tasks.

#include "tasks/mayhem.hpp"

#include <deque>

#include "bench/support/bench.hpp"
#include "bench/support/deadlines.hpp"

namespace {

constexpr std::int64_t batch = 1000;

class idle_timer final : public mayhem::timer {
  public:
    void run() noexcept override {}
};

void measure_arm_cancel(benchmark::State& state) {
    mayhem::event_loop loop;
    bench::delays delays;
    const auto now = loop.time();
    std::deque<idle_timer> live(static_cast<std::size_t>(state.range(0)));
    for (auto& timer : live) loop.arm_timer(timer, now + delays.next());
    idle_timer timer;
    {
        const bench::counted counting(state, batch);
        for (auto _ : state) {
            for (std::int64_t count = 0; count < batch; ++count) {
                loop.arm_timer(timer, now + delays.next());
                loop.cancel_timer(timer);
            }
        }
    }
    for (auto& one : live) loop.cancel_timer(one);
}

void measure_call_later(benchmark::State& state) {
    mayhem::event_loop loop;
    bench::delays delays;
    const auto now = loop.time();
    for (std::int64_t count = state.range(0); count > 0; --count) {
        loop.call_at(now + delays.next(), [] {});
    }
    const bench::counted counting(state, batch);
    for (auto _ : state) {
        for (std::int64_t count = 0; count < batch; ++count) {
            auto handle = loop.call_at(now + delays.next(), [] {});
            handle.cancel();
        }
    }
}

mayhem::coro<> sleeper(bench::sleepers& all, std::int64_t number) {
    const auto deadline = all.deadline(number);
    co_await mayhem::sleep_until(deadline);
    all.woke(deadline);
}

mayhem::coro<> sleep_all(bench::sleepers& all, std::int64_t count) {
    std::vector<mayhem::task<void>> tasks;
    tasks.reserve(static_cast<std::size_t>(count));
    for (std::int64_t number = 0; number < count; ++number) {
        tasks.push_back(mayhem::create_task(sleeper(all, number)));
    }
    all.start();
    for (auto& task : tasks) co_await task;
}

void measure_sleeps(benchmark::State& state) {
    for (auto _ : state) {
        bench::sleepers all(state);
        mayhem::run(sleep_all(all, state.range(0)));
        all.report();
    }
}

const bool registered = [] {
    bench::add_sized("arm_cancel", measure_arm_cancel, {100, 10'000, 100'000});
    bench::add_sized("call_later", measure_call_later, {100, 10'000, 100'000});
    bench::add_sized("sleeps", measure_sleeps, {100'000})->Iterations(1);
    return true;
}();

}  // namespace
