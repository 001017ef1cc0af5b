// Mayhem's files: by the kernel on io_uring, by threads of the executor on epoll; and files into
// sockets, by send_file and through a buffer.

#include "tasks/mayhem.hpp"

#include <algorithm>
#include <vector>

#include "bench/bulk/transfer.hpp"
#include "bench/files/scratch.hpp"
#include "bench/support/bench.hpp"

namespace {

using mayhem::coro;
using mayhem::file;
using mayhem::tcp_stream;

using buffer = std::vector<std::byte>;

// ---- Reading and writing ------------------------------------------------------------------

coro<> read_blocks(file& from, bench::random_blocks& blocks) {
    buffer block(bench::block_bytes);
    for (std::int64_t left = bench::blocks_of_each; left > 0; --left) {
        co_await from.read_at(block, blocks.next());
    }
}

coro<> read_at_once(benchmark::State& state, std::string path) {
    file from = co_await file::open(path);
    bench::random_blocks blocks;
    std::vector<mayhem::task<void>> tasks;
    for (auto _ : state) {
        for (std::int64_t count = state.range(0); count > 0; --count) {
            tasks.push_back(mayhem::create_task(read_blocks(from, blocks)));
        }
        for (auto& task : tasks) co_await task;
        tasks.clear();
    }
}

coro<> read_long(benchmark::State& state, std::string path) {
    file from = co_await file::open(path);
    buffer part(bench::long_bytes);
    for (auto _ : state) {
        for (std::uint64_t at = 0; at < bench::file_bytes; at += part.size()) {
            co_await from.read_at(part, at);
        }
    }
}

coro<> write(benchmark::State& state, std::string path, bool syncs) {
    file to = co_await file::open(path, O_WRONLY);
    bench::random_blocks blocks;
    const buffer block(bench::block_bytes);
    for (auto _ : state) {
        co_await to.write_all_at(block, blocks.next());
        if (syncs) co_await to.sync(true);
    }
}

void measure_read(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, state.range(0) * bench::blocks_of_each);
    mayhem::run(read_at_once(state, scratch.path()));
}
void measure_read_long(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, bench::long_count);
    mayhem::run(read_long(state, scratch.path()));
}
void measure_write(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    mayhem::run(write(state, scratch.path(), false));
}
void measure_write_sync(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    mayhem::run(write(state, scratch.path(), true));
}

// ---- Into a socket ------------------------------------------------------------------------

coro<> receive(tcp_stream& stream, buffer& received) { co_await stream.read_exactly(received); }

coro<> send(tcp_stream& stream, file& from, std::size_t size) {
    co_await stream.send_file(from, 0, size);
}

coro<> copy(tcp_stream& stream, file& from, std::size_t size) {
    buffer part(std::min(size, bench::part_bytes));
    for (std::size_t at = 0; at < size; at += part.size()) {
        co_await from.read_at(part, at);
        co_await stream.write_all(part);
    }
}

template <typename Way>
coro<> serve(benchmark::State& state, std::string path, Way way) {
    mayhem::event_loop& loop = mayhem::get_running_loop();
    const auto [writer, reader] = bench::tcp_pair();
    tcp_stream to(loop, mayhem::unique_fd(writer));
    tcp_stream client(loop, mayhem::unique_fd(reader));
    file from = co_await file::open(path);
    const std::size_t size = bench::message_bytes(state);
    buffer received(size);
    for (auto _ : state) co_await mayhem::gather(way(to, from, size), receive(client, received));
}

void measure_send_file(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    mayhem::run(serve(state, scratch.path(), send));
}
void measure_copy(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    mayhem::run(serve(state, scratch.path(), copy));
}

const bool registered = [] {
    bench::add_sized("read", measure_read, {1, 32});
    bench::add("read_long", measure_read_long);
    bench::add("write", measure_write);
    bench::add("write_sync", measure_write_sync);
    bench::add_sized("send_file", measure_send_file, {64 << 10, 1 << 20});
    bench::add_sized("copy", measure_copy, {64 << 10, 1 << 20});
    return true;
}();

}  // namespace
