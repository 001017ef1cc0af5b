// Messages of one size from one task of Mayhem to another, over a connection of TCP.

#include "tasks/mayhem.hpp"

#include "bench/bulk/transfer.hpp"
#include "bench/support/bench.hpp"

namespace {

using mayhem::coro;
using mayhem::tcp_stream;

coro<> send(tcp_stream& stream, std::vector<std::byte>& message, std::int64_t count) {
    for (; count > 0; --count) co_await stream.write_all(message);
}

coro<> receive(tcp_stream& stream, std::vector<std::byte>& message, std::int64_t count) {
    for (; count > 0; --count) co_await stream.read_exactly(message);
}

coro<> transfer(benchmark::State& state) {
    mayhem::event_loop& loop = mayhem::get_running_loop();
    const auto [writer, reader] = bench::tcp_pair();
    tcp_stream from(loop, mayhem::unique_fd(writer));
    tcp_stream to(loop, mayhem::unique_fd(reader));
    std::vector<std::byte> sent(bench::message_bytes(state));
    std::vector<std::byte> received(bench::message_bytes(state));
    for (auto _ : state) {
        const std::int64_t count = bench::message_count(state);
        co_await mayhem::gather(send(from, sent, count), receive(to, received, count));
    }
}

void measure_transfer(benchmark::State& state) {
    const bench::counted counting(state, bench::message_count(state));
    mayhem::run(transfer(state));
}

const bool registered = [] {
    bench::add_sized("transfer", measure_transfer, {16 << 10, 1 << 20});
    return true;
}();

}  // namespace
