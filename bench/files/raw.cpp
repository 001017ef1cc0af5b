// The limit of working with files: the plain calls, which block the thread. Into a socket:
// sendfile, or pread and send, in parts that stay in the cache.

#include <algorithm>
#include <cerrno>
#include <sys/sendfile.h>

#include "bench/bulk/transfer.hpp"
#include "bench/files/scratch.hpp"
#include "bench/support/bench.hpp"

namespace {

void require(ssize_t moved) {
    if (moved < 0) std::terminate();
}

void measure_read(benchmark::State& state) {
    const bench::scratch_file scratch;
    const std::int64_t count = state.range(0) * bench::blocks_of_each;
    const bench::counted counting(state, count);
    bench::random_blocks blocks;
    std::vector<char> block(bench::block_bytes);
    for (auto _ : state) {
        for (std::int64_t left = count; left > 0; --left) {
            const auto at = static_cast<off_t>(blocks.next());
            require(::pread(scratch.fd(), block.data(), block.size(), at));
        }
    }
}

void measure_read_long(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, bench::long_count);
    std::vector<char> part(bench::long_bytes);
    for (auto _ : state) {
        for (std::size_t at = 0; at < bench::file_bytes; at += part.size()) {
            require(::pread(scratch.fd(), part.data(), part.size(), static_cast<off_t>(at)));
        }
    }
}

void write(benchmark::State& state, bool syncs) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    bench::random_blocks blocks;
    const std::vector<char> block(bench::block_bytes);
    for (auto _ : state) {
        const auto at = static_cast<off_t>(blocks.next());
        require(::pwrite(scratch.fd(), block.data(), block.size(), at));
        if (syncs) require(::fdatasync(scratch.fd()));
    }
}
void measure_write(benchmark::State& state) { write(state, false); }
void measure_write_sync(benchmark::State& state) { write(state, true); }

/// Sends `size` bytes of the file, part by part; the other end takes each part before the next.
template <typename Send>
void serve(benchmark::State& state, Send send) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    const auto [writer, reader] = bench::tcp_pair();
    const std::size_t size = bench::message_bytes(state);
    std::vector<char> received(size);
    for (auto _ : state) {
        std::size_t sent = 0;
        std::size_t taken = 0;
        while (taken < size) {
            const std::size_t rest = std::min(size - sent, bench::part_bytes);
            const ssize_t moved = rest == 0 ? 0 : send(writer, scratch.fd(), sent, rest);
            sent += moved > 0 ? static_cast<std::size_t>(moved) : 0;
            const ssize_t got = ::recv(reader, received.data() + taken,
                                       std::min(size - taken, bench::part_bytes), 0);
            taken += got > 0 ? static_cast<std::size_t>(got) : 0;
        }
    }
    ::close(writer);
    ::close(reader);
}

void measure_send_file(benchmark::State& state) {
    serve(state, [](int to, int from, std::size_t at, std::size_t size) {
        auto offset = static_cast<off_t>(at);
        return ::sendfile(to, from, &offset, size);
    });
}
void measure_copy(benchmark::State& state) {
    std::vector<char> part(bench::part_bytes);
    serve(state, [&part](int to, int from, std::size_t at, std::size_t size) {
        require(::pread(from, part.data(), size, static_cast<off_t>(at)));
        return ::send(to, part.data(), size, MSG_NOSIGNAL);
    });
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
