// Callbacks of Asio that send each other 64 bytes over a pair of sockets.

#include <asio/buffer.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <deque>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

using socket_end = asio::basic_stream_socket<asio::local::stream_protocol, bench::executor>;

/// One end: reads and writes in turns until its rounds are played.
class player {
  public:
    explicit player(bench::executor executor) : end_(executor) {}

    socket_end& end() { return end_; }
    void serve(std::int64_t rounds) {
        left_ = rounds;
        write();
    }
    void wait(std::int64_t rounds) {
        left_ = rounds;
        answers_ = true;
        read();
    }

  private:
    void write() {
        end_.async_write_some(asio::buffer(message_), [this](asio::error_code, std::size_t) {
            if (!answers_ || --left_ > 0) read();
        });
    }
    void read() {
        end_.async_read_some(asio::buffer(message_), [this](asio::error_code, std::size_t) {
            if (answers_ || --left_ > 0) write();
        });
    }

    socket_end end_;
    bench::message message_{};
    std::int64_t left_ = 0;
    bool answers_ = false;
};

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    asio::io_context context(bench::single_thread);
    std::deque<std::pair<player, player>> pairs;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        auto& [left, right] = pairs.emplace_back(context.get_executor(), context.get_executor());
        asio::local::connect_pair(left.end(), right.end());
    }
    for (auto _ : state) {
        for (auto& [left, right] : pairs) {
            left.serve(bench::rounds_of_each(state));
            right.wait(bench::rounds_of_each(state));
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
