// Messages of one size over a connection of TCP, with libuv: a write is one request for the whole
// message, and reading asks for the rest of the message's memory each time.

#include <uv.h>

#include "bench/bulk/transfer.hpp"
#include "bench/support/bench.hpp"

namespace {

struct end {
    uv_tcp_t socket;
    uv_write_t request;
    std::vector<char> message;
    std::size_t done = 0;
    std::int64_t left = 0;

    uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket); }
    void open(uv_loop_t& loop, int fd) {
        uv_tcp_init(&loop, &socket);
        uv_tcp_open(&socket, fd);
        socket.data = request.data = this;
    }
    void write() {
        const uv_buf_t whole = uv_buf_init(message.data(), static_cast<unsigned>(message.size()));
        uv_write(&request, stream(), &whole, 1, [](uv_write_t* written, int status) {
            if (status < 0) std::terminate();
            auto* own = static_cast<end*>(written->data);
            if (--own->left > 0) own->write();
        });
    }
    void read() { uv_read_start(stream(), give_buffer, on_read); }

    static void give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto* own = static_cast<end*>(handle->data);
        *buffer = uv_buf_init(own->message.data() + own->done,
                              static_cast<unsigned>(own->message.size() - own->done));
    }
    static void on_read(uv_stream_t* stream, ssize_t length, const uv_buf_t*) {
        if (length < 0) std::terminate();
        auto* own = static_cast<end*>(stream->data);
        own->done += static_cast<std::size_t>(length);
        if (own->done < own->message.size()) return;
        own->done = 0;
        if (--own->left == 0) uv_read_stop(stream);
    }
};

void measure_transfer(benchmark::State& state) {
    const bench::counted counting(state, bench::message_count(state));
    uv_loop_t loop;
    uv_loop_init(&loop);
    const auto [writer, reader] = bench::tcp_pair();
    const std::vector<char> empty(bench::message_bytes(state));
    end from{.socket = {}, .request = {}, .message = empty};
    end to{.socket = {}, .request = {}, .message = empty};
    from.open(loop, writer);
    to.open(loop, reader);
    for (auto _ : state) {
        from.left = to.left = bench::message_count(state);
        to.read();
        from.write();
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&from.socket), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&to.socket), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

const bool registered = [] {
    bench::add_sized("transfer", measure_transfer, {16 << 10, 1 << 20});
    return true;
}();

}  // namespace
