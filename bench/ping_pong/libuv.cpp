// Pipes of libuv that send each other 64 bytes over a pair of sockets. A read is started once, as
// is its way, and gets a buffer of the size that libuv suggests: it reads again when one was
// filled. A write is a request that lives in the player.

#include <deque>
#include <uv.h>

#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

class player {
  public:
    void open(uv_loop_t& loop, int fd) {
        uv_pipe_init(&loop, &pipe_, 0);
        uv_pipe_open(&pipe_, fd);
        pipe_.data = this;
    }
    void play(std::int64_t rounds, bool serves) {
        left_ = rounds;
        serves_ = serves;
        uv_read_start(reinterpret_cast<uv_stream_t*>(&pipe_), give_buffer, on_read);
        if (serves) write();
    }

  private:
    static player& from(void* data) { return *static_cast<player*>(data); }
    static void give_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
        static std::array<char, 65536> received;
        *buffer = uv_buf_init(received.data(), received.size());
    }
    static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
        if (size > 0) from(stream->data).received();
    }
    void received() {
        const bool is_last = --left_ == 0;
        if (!serves_ || !is_last) write();
        // A loop runs as long as somebody reads.
        if (is_last) uv_read_stop(reinterpret_cast<uv_stream_t*>(&pipe_));
    }
    void write() {
        uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(message_.data()),
                                      static_cast<unsigned>(message_.size()));
        uv_write(&request_, reinterpret_cast<uv_stream_t*>(&pipe_), &buffer, 1, nullptr);
    }

    uv_pipe_t pipe_{};
    uv_write_t request_{};
    bench::message message_{};
    std::int64_t left_ = 0;
    bool serves_ = false;
};

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    uv_loop_t loop;
    uv_loop_init(&loop);
    std::deque<std::pair<player, player>> pairs(static_cast<std::size_t>(state.range(0)));
    for (auto& [left, right] : pairs) {
        const auto [first, second] = bench::socket_pair();
        left.open(loop, first);
        right.open(loop, second);
    }
    for (auto _ : state) {
        for (auto& [left, right] : pairs) {
            left.play(bench::rounds_of_each(state), true);
            right.play(bench::rounds_of_each(state), false);
        }
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    uv_walk(&loop, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

const bool registered = [] {
    bench::add_sized("pairs", measure_pairs, {1, 10, 100});
    return true;
}();

}  // namespace
