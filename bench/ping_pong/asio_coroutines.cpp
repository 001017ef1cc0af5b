// Two coroutines of Asio that send each other 64 bytes over a pair of sockets.

#include <asio/buffer.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <deque>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

using socket_end = asio::basic_stream_socket<asio::local::stream_protocol, bench::executor>;

bench::awaitable<> ping(socket_end& end, std::int64_t rounds) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await end.async_write_some(asio::buffer(message), bench::use_awaitable);
        co_await end.async_read_some(asio::buffer(message), bench::use_awaitable);
    }
}

bench::awaitable<> pong(socket_end& end, std::int64_t rounds) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await end.async_read_some(asio::buffer(message), bench::use_awaitable);
        co_await end.async_write_some(asio::buffer(message), bench::use_awaitable);
    }
}

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    asio::io_context context(bench::single_thread);
    const bench::executor executor = context.get_executor();
    std::deque<std::pair<socket_end, socket_end>> pairs;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        auto& [left, right] = pairs.emplace_back(executor, executor);
        asio::local::connect_pair(left, right);
    }
    for (auto _ : state) {
        for (auto& [left, right] : pairs) {
            asio::co_spawn(executor, ping(left, bench::rounds_of_each(state)), asio::detached);
            asio::co_spawn(executor, pong(right, bench::rounds_of_each(state)), asio::detached);
        }
        context.run();
        context.restart();
    }
}

const bool registered = [] {
    bench::add_sized("pairs", measure_pairs, {1, 10, 100});
    return true;
}();

}  // namespace
