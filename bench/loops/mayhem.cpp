// A group of Mayhem's loops, a thread each, which share nothing. An operation is one message, or
// one round trip, of all loops together.

#include "bench/pipeline/mayhem.hpp"

#include <vector>

#include "bench/loops/in_step.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"
#include "tasks/loop_group.hpp"

namespace {

using mayhem::coro;
using mayhem::unix_stream;

// Of each loop, in an iteration:
constexpr std::int64_t batches = 50;
constexpr std::int64_t games = 10;
constexpr std::int64_t pairs_of_each = 100;
constexpr std::int64_t rounds = 5;

template <typename Body>
void run_loops(std::size_t count, Body body) {
    mayhem::loop_group_options options;
    options.size = count;
    mayhem::loop_group(options).run(body);
}

void measure_pipeline(benchmark::State& state) {
    const bench::counted counting(state, state.range(0) * batches * bench::pipeline::batch);
    bench::in_step all(state, batches);
    run_loops(all.size(), [&all](std::size_t index) {
        return bench::pipeline::publish(bench::in_step::parts{all, index}, false);
    });
}

coro<> ping(unix_stream& stream) {
    bench::message message{};
    for (std::int64_t left = rounds; left > 0; --left) {
        co_await stream.write_some(message);
        co_await stream.read_some(message);
    }
}

coro<> pong(unix_stream& stream) {
    bench::message message{};
    for (std::int64_t left = rounds; left > 0; --left) {
        co_await stream.read_some(message);
        co_await stream.write_some(message);
    }
}

coro<> play(bench::in_step& all, std::size_t index) {
    std::vector<std::pair<unix_stream, unix_stream>> pairs;
    for (std::int64_t count = pairs_of_each; count > 0; --count) {
        pairs.push_back(unix_stream::pair());
    }
    std::vector<mayhem::task<void>> tasks;
    bench::in_step::parts more{all, index};
    while (more()) {
        for (auto& [left, right] : pairs) {
            tasks.push_back(mayhem::create_task(ping(left)));
            tasks.push_back(mayhem::create_task(pong(right)));
        }
        for (auto& task : tasks) co_await task;
        tasks.clear();
    }
}

void measure_ping_pong(benchmark::State& state) {
    const bench::counted counting(state, state.range(0) * games * pairs_of_each * rounds);
    bench::in_step all(state, games);
    run_loops(all.size(), [&all](std::size_t index) { return play(all, index); });
}

const bool registered = [] {
    bench::add_sized("pipeline", measure_pipeline, {1, 2})->UseRealTime();
    bench::add_sized("ping_pong", measure_ping_pong, {1, 2})->UseRealTime();
    return true;
}();

}  // namespace
