// The limit of working with files over io_uring: as many reads under way as there are who read; all
// that a batch of completions asks for goes to the kernel in one call.

#include <liburing.h>

#include "bench/files/scratch.hpp"
#include "bench/support/bench.hpp"

namespace {

class ring {
  public:
    ring() {
        constexpr unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        if (::io_uring_queue_init(256, &ring_, flags) != 0) std::terminate();
    }
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() { ::io_uring_queue_exit(&ring_); }

    io_uring_sqe* next() { return ::io_uring_get_sqe(&ring_); }
    /// Submits, waits, and calls `done(user data)` for each completion.
    template <typename Done>
    void turn(Done done) {
        ::io_uring_submit_and_wait(&ring_, 1);
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* event = nullptr;
        io_uring_for_each_cqe(&ring_, head, event) {
            ++seen;
            if (event->res < 0) std::terminate();
            done(::io_uring_cqe_get_data(event));
        }
        ::io_uring_cq_advance(&ring_, seen);
    }

  private:
    io_uring ring_{};
};

struct reader {
    std::vector<char> block = std::vector<char>(bench::block_bytes);
    std::int64_t left = 0;
};

void measure_read(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, state.range(0) * bench::blocks_of_each);
    bench::random_blocks blocks;
    ring over;
    std::vector<reader> readers(static_cast<std::size_t>(state.range(0)));
    const auto read = [&](reader& own) {
        io_uring_sqe* const entry = over.next();
        ::io_uring_prep_read(entry, scratch.fd(), own.block.data(), bench::block_bytes,
                             blocks.next());
        ::io_uring_sqe_set_data(entry, &own);
    };
    for (auto _ : state) {
        for (reader& own : readers) {
            own.left = bench::blocks_of_each;
            read(own);
        }
        for (std::size_t reading = readers.size(); reading > 0;) {
            over.turn([&](void* data) {
                auto& own = *static_cast<reader*>(data);
                --own.left > 0 ? read(own) : void(--reading);
            });
        }
    }
}

void measure_read_long(benchmark::State& state) {
    const bench::scratch_file scratch;
    const bench::counted counting(state, bench::long_count);
    ring over;
    std::vector<char> part(bench::long_bytes);
    for (auto _ : state) {
        for (std::uint64_t at = 0; at < bench::file_bytes; at += part.size()) {
            ::io_uring_prep_read(over.next(), scratch.fd(), part.data(), bench::long_bytes, at);
            over.turn([](void*) {});
        }
    }
}

void write(benchmark::State& state, bool syncs) {
    const bench::scratch_file scratch;
    const bench::counted counting(state);
    bench::random_blocks blocks;
    ring over;
    const std::vector<char> block(bench::block_bytes);
    for (auto _ : state) {
        ::io_uring_prep_write(over.next(), scratch.fd(), block.data(), bench::block_bytes,
                              blocks.next());
        over.turn([](void*) {});
        if (!syncs) continue;
        ::io_uring_prep_fsync(over.next(), scratch.fd(), IORING_FSYNC_DATASYNC);
        over.turn([](void*) {});
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
