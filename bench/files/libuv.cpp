// libuv's files: every call is carried out by a thread of its pool, of which there are four.

#include <deque>
#include <uv.h>

#include "bench/files/scratch.hpp"
#include "bench/support/bench.hpp"

namespace {

/// Somebody who does one thing after another: `next` starts it, and is called again when it is
/// done.
struct worker {
    uv_fs_t request{};
    int fd = -1;
    std::int64_t left = 0;
    bool syncs = false;
    bool is_to_sync = false;
    std::uint64_t at = 0;
    bench::random_blocks* blocks = nullptr;
    std::vector<char> memory;
    void (*next)(worker&) = nullptr;

    static void done(uv_fs_t* request) {
        auto& own = *static_cast<worker*>(request->data);
        if (request->result < 0) std::terminate();
        ::uv_fs_req_cleanup(request);
        own.next(own);
    }
    uv_buf_t buffer() { return uv_buf_init(memory.data(), static_cast<unsigned>(memory.size())); }
    void start(std::int64_t times) {
        left = times;
        request.data = this;
        next(*this);
    }
};

uv_loop_t* loop() { return uv_default_loop(); }

void read_block(worker& own) {
    if (own.left-- == 0) return;
    const uv_buf_t into = own.buffer();
    const auto at = static_cast<std::int64_t>(own.blocks->next());
    ::uv_fs_read(loop(), &own.request, own.fd, &into, 1, at, worker::done);
}

void read_part(worker& own) {
    if (own.left-- == 0) return;
    const uv_buf_t into = own.buffer();
    const auto at = static_cast<std::int64_t>(own.at);
    own.at += own.memory.size();
    ::uv_fs_read(loop(), &own.request, own.fd, &into, 1, at, worker::done);
}

void write_block(worker& own) {
    if (own.is_to_sync) {
        own.is_to_sync = false;
        ::uv_fs_fdatasync(loop(), &own.request, own.fd, worker::done);
        return;
    }
    if (own.left-- == 0) return;
    own.is_to_sync = own.syncs;
    const uv_buf_t from = own.buffer();
    const auto at = static_cast<std::int64_t>(own.blocks->next());
    ::uv_fs_write(loop(), &own.request, own.fd, &from, 1, at, worker::done);
}

void measure_read(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, state.range(0) * bench::blocks_of_each);
    bench::random_blocks blocks;
    std::deque<worker> readers(static_cast<std::size_t>(state.range(0)));
    for (worker& own : readers) {
        own.fd = scratch.fd();
        own.blocks = &blocks;
        own.memory.resize(bench::block_bytes);
        own.next = read_block;
    }
    for (auto _ : state) {
        for (worker& own : readers) own.start(bench::blocks_of_each);
        ::uv_run(loop(), UV_RUN_DEFAULT);
    }
}

void measure_read_long(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, bench::long_count);
    worker own;
    own.fd = scratch.fd();
    own.memory.resize(bench::long_bytes);
    own.next = read_part;
    for (auto _ : state) {
        own.at = 0;
        own.start(bench::long_count);
        ::uv_run(loop(), UV_RUN_DEFAULT);
    }
}

void write(benchmark::State& state, bool syncs) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    bench::random_blocks blocks;
    worker own;
    own.fd = scratch.fd();
    own.blocks = &blocks;
    own.memory.resize(bench::block_bytes);
    own.syncs = syncs;
    own.next = write_block;
    for (auto _ : state) {
        own.start(1);
        ::uv_run(loop(), UV_RUN_DEFAULT);
    }
}
void measure_write(benchmark::State& state) { write(state, false); }
void measure_write_sync(benchmark::State& state) { write(state, true); }

const bool registered = [] {
    bench::add_sized("read", measure_read, {1, 32});
    bench::add("read_long", measure_read_long);
    bench::add("write", measure_write);
    bench::add("write_sync", measure_write_sync);
    return true;
}();

}  // namespace
