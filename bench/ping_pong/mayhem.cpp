// Two tasks of Mayhem that send each other 64 bytes over a pair of sockets, so many pairs at once.

#include "tasks/mayhem.hpp"

#include <array>
#include <vector>

#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

using mayhem::coro;
using mayhem::unix_stream;

coro<> ping(unix_stream& stream, std::int64_t rounds) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await stream.write_some(message);
        co_await stream.read_some(message);
    }
}

coro<> pong(unix_stream& stream, std::int64_t rounds) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await stream.read_some(message);
        co_await stream.write_some(message);
    }
}

coro<> play(benchmark::State& state) {
    std::vector<std::pair<unix_stream, unix_stream>> pairs;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        pairs.push_back(unix_stream::pair());
    }
    std::vector<mayhem::task<void>> tasks;
    for (auto _ : state) {
        for (auto& [left, right] : pairs) {
            tasks.push_back(mayhem::create_task(ping(left, bench::rounds_of_each(state))));
            tasks.push_back(mayhem::create_task(pong(right, bench::rounds_of_each(state))));
        }
        for (auto& task : tasks) co_await task;
        tasks.clear();
    }
}

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    mayhem::run(play(state));
}

const bool registered = [] {
    bench::add_sized("pairs", measure_pairs, {1, 10, 100});
    return true;
}();

}  // namespace
