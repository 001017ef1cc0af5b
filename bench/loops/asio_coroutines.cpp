// An io_context of Asio for each thread, with the concurrency hint 1, as its documentation advises
// where nothing is shared.

#include <asio/buffer.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <deque>
#include <thread>
#include <vector>

#include "bench/loops/in_step.hpp"
#include "bench/pipeline/asio.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

using socket_end = asio::basic_stream_socket<asio::local::stream_protocol, bench::executor>;

// Of each context, in an iteration:
constexpr std::int64_t batches = 50;
constexpr std::int64_t games = 10;
constexpr std::int64_t pairs_of_each = 100;
constexpr std::int64_t rounds = 5;

/// `body(context, index)` on a thread for each, on a processor of its own; 0 is the calling one.
template <typename Body>
void run_contexts(std::size_t count, Body body) {
    const auto run_one = [&body](std::size_t index) {
        bench::pin_thread(static_cast<unsigned>(index));
        asio::io_context context(bench::single_thread);
        body(context, index);
    };
    std::vector<std::jthread> threads;
    for (std::size_t index = 1; index < count; ++index) threads.emplace_back(run_one, index);
    run_one(0);
}

void measure_pipeline(benchmark::State& state) {
    const bench::counted counting(state, state.range(0) * batches * bench::pipeline::batch);
    bench::in_step all(state, batches);
    run_contexts(all.size(), [&all](asio::io_context& context, std::size_t index) {
        const bench::in_step::parts more{all, index};
        bench::run(context, bench::pipeline::publish(more, false, context.get_executor()));
    });
}

bench::awaitable<> ping(socket_end& end) {
    bench::message message{};
    for (std::int64_t left = rounds; left > 0; --left) {
        co_await end.async_write_some(asio::buffer(message), bench::use_awaitable);
        co_await end.async_read_some(asio::buffer(message), bench::use_awaitable);
    }
}

bench::awaitable<> pong(socket_end& end) {
    bench::message message{};
    for (std::int64_t left = rounds; left > 0; --left) {
        co_await end.async_read_some(asio::buffer(message), bench::use_awaitable);
        co_await end.async_write_some(asio::buffer(message), bench::use_awaitable);
    }
}

void play(bench::in_step& all, asio::io_context& context, std::size_t index) {
    const bench::executor executor = context.get_executor();
    std::deque<std::pair<socket_end, socket_end>> pairs;
    for (std::int64_t count = pairs_of_each; count > 0; --count) {
        auto& [left, right] = pairs.emplace_back(executor, executor);
        asio::local::connect_pair(left, right);
    }
    bench::in_step::parts more{all, index};
    while (more()) {
        for (auto& [left, right] : pairs) {
            asio::co_spawn(executor, ping(left), asio::detached);
            asio::co_spawn(executor, pong(right), asio::detached);
        }
        context.run();
        context.restart();
    }
}

void measure_ping_pong(benchmark::State& state) {
    const bench::counted counting(state, state.range(0) * games * pairs_of_each * rounds);
    bench::in_step all(state, games);
    run_contexts(all.size(), [&all](asio::io_context& context, std::size_t index) {
        play(all, context, index);
    });
}

const bool registered = [] {
    bench::add_sized("pipeline", measure_pipeline, {1, 2})->UseRealTime();
    bench::add_sized("ping_pong", measure_ping_pong, {1, 2})->UseRealTime();
    return true;
}();

}  // namespace
