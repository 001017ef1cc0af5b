// Timers of Asio with callbacks. A cancelled wait calls its handler, which the context has to run:
// that is part of cancelling.

#include <asio/steady_timer.hpp>
#include <deque>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/deadlines.hpp"

namespace {

constexpr std::int64_t batch = 1000;

void measure_arm_cancel(benchmark::State& state) {
    asio::io_context context(bench::single_thread);
    bench::delays delays;
    const auto now = asio::steady_timer::clock_type::now();
    std::deque<asio::steady_timer> live;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        live.emplace_back(context, now + delays.next());
        live.back().async_wait([](asio::error_code) {});
    }
    asio::steady_timer timer(context);
    const bench::counted counting(state, batch);
    for (auto _ : state) {
        for (std::int64_t count = 0; count < batch; ++count) {
            timer.expires_at(now + delays.next());
            timer.async_wait([](asio::error_code) {});
            timer.cancel();
        }
        context.poll();
    }
}

void measure_sleeps(benchmark::State& state) {
    for (auto _ : state) {
        bench::sleepers all(state);
        asio::io_context context(bench::single_thread);
        std::deque<asio::steady_timer> timers;
        for (std::int64_t count = state.range(0); count > 0; --count) {
            timers.emplace_back(context);
        }
        all.start();
        std::int64_t number = 0;
        for (auto& timer : timers) {
            const auto deadline = all.deadline(number++);
            timer.expires_at(deadline);
            timer.async_wait([&all, deadline](asio::error_code) { all.woke(deadline); });
        }
        context.run();
        all.report();
    }
}

const bool registered = [] {
    bench::add_sized("arm_cancel", measure_arm_cancel, {100, 10'000, 100'000});
    bench::add_sized("sleeps", measure_sleeps, {100'000})->Iterations(1);
    return true;
}();

}  // namespace
