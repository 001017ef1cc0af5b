// Asio's random_access_file, which it has on io_uring only. It cannot wait for the disk (sync_data
// blocks the thread), so that case is left out.

#include <asio/buffer.hpp>
#include <asio/random_access_file.hpp>
#include <deque>

#include "bench/files/scratch.hpp"
#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

using file = asio::basic_random_access_file<bench::executor>;

struct reader {
    file& from;
    bench::random_blocks& blocks;
    std::vector<char> block = std::vector<char>(bench::block_bytes);
    std::int64_t left = 0;

    void read() {
        from.async_read_some_at(blocks.next(), asio::buffer(block),
                                [this](asio::error_code, std::size_t) {
                                    if (--left > 0) read();
                                });
    }
};

void measure_read(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, state.range(0) * bench::blocks_of_each);
    asio::io_context context(bench::single_thread);
    file from(context.get_executor(), scratch.path(), file::read_only);
    bench::random_blocks blocks;
    std::deque<reader> readers;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        readers.push_back(reader{from, blocks});
    }
    for (auto _ : state) {
        for (reader& own : readers) {
            own.left = bench::blocks_of_each;
            own.read();
        }
        context.run();
        context.restart();
    }
}

void measure_read_long(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, bench::long_count);
    asio::io_context context(bench::single_thread);
    file from(context.get_executor(), scratch.path(), file::read_only);
    std::vector<char> part(bench::long_bytes);
    for (auto _ : state) {
        for (std::uint64_t at = 0; at < bench::file_bytes; at += part.size()) {
            from.async_read_some_at(at, asio::buffer(part), [](asio::error_code, std::size_t) {});
            context.run();
            context.restart();
        }
    }
}

void measure_write(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    asio::io_context context(bench::single_thread);
    file to(context.get_executor(), scratch.path(), file::write_only);
    bench::random_blocks blocks;
    const std::vector<char> block(bench::block_bytes);
    for (auto _ : state) {
        to.async_write_some_at(blocks.next(), asio::buffer(block),
                               [](asio::error_code, std::size_t) {});
        context.run();
        context.restart();
    }
}

const bool registered = [] {
    bench::add_sized("read", measure_read, {1, 32});
    bench::add("read_long", measure_read_long);
    bench::add("write", measure_write);
    return true;
}();

}  // namespace
