// Messages of one size over a connection of TCP, with Asio's callbacks.

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "bench/bulk/transfer.hpp"
#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

using socket_end = asio::basic_stream_socket<asio::ip::tcp, bench::executor>;

struct end {
    socket_end socket;
    std::vector<char> message;
    std::int64_t left = 0;

    void write() {
        asio::async_write(socket, asio::buffer(message), [this](asio::error_code, std::size_t) {
            if (--left > 0) write();
        });
    }
    void read() {
        asio::async_read(socket, asio::buffer(message), [this](asio::error_code, std::size_t) {
            if (--left > 0) read();
        });
    }
};

void measure_transfer(benchmark::State& state) {
    const bench::counted counting(state, bench::message_count(state));
    asio::io_context context(bench::single_thread);
    const auto [writer, reader] = bench::tcp_pair();
    const std::vector<char> empty(bench::message_bytes(state));
    end from{socket_end(context.get_executor(), asio::ip::tcp::v4(), writer), empty};
    end to{socket_end(context.get_executor(), asio::ip::tcp::v4(), reader), empty};
    for (auto _ : state) {
        from.left = to.left = bench::message_count(state);
        from.write();
        to.read();
        context.run();
        context.restart();
    }
}

const bool registered = [] {
    bench::add_sized("transfer", measure_transfer, {16 << 10, 1 << 20});
    return true;
}();

}  // namespace
