// The limit of a bulk transfer over io_uring: one send and one receive under way. That
// each wait for its whole part in the kernel (MSG_WAITALL) was measured, and is no faster.

#include <algorithm>
#include <liburing.h>

#include "bench/bulk/transfer.hpp"
#include "bench/support/bench.hpp"

namespace {

io_uring ring;

struct end {
    int fd;
    bool writes;
    std::vector<char> message;
    std::size_t done = 0;  // bytes of the message under way
    std::int64_t left = 0;

    void submit() {
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
        char* const at = message.data() + done;
        const std::size_t part = std::min(message.size() - done, bench::part_bytes);
        if (writes) {
            ::io_uring_prep_send(entry, fd, at, part, MSG_NOSIGNAL);
        } else {
            ::io_uring_prep_recv(entry, fd, at, part, 0);
        }
        ::io_uring_sqe_set_data(entry, this);
    }
    void completed(int moved) {
        if (moved <= 0) std::terminate();
        done += static_cast<std::size_t>(moved);
        if (done == message.size()) {
            done = 0;
            --left;
        }
        if (left > 0) submit();
    }
};

void turn() {
    ::io_uring_submit_and_wait(&ring, 1);
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* event = nullptr;
    io_uring_for_each_cqe(&ring, head, event) {
        ++seen;
        static_cast<end*>(::io_uring_cqe_get_data(event))->completed(event->res);
    }
    ::io_uring_cq_advance(&ring, seen);
}

void measure_transfer(benchmark::State& state) {
    const bench::counted counting(state, bench::message_count(state));
    constexpr unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (::io_uring_queue_init(16, &ring, flags) != 0) std::terminate();
    const auto [writer, reader] = bench::tcp_pair();
    const std::vector<char> empty(bench::message_bytes(state));
    end from{writer, true, empty};
    end to{reader, false, empty};
    for (auto _ : state) {
        from.left = to.left = bench::message_count(state);
        from.submit();
        to.submit();
        while (from.left > 0 || to.left > 0) turn();
    }
    ::close(writer);
    ::close(reader);
    ::io_uring_queue_exit(&ring);
}

const bool registered = [] {
    bench::add_sized("transfer", measure_transfer, {16 << 10, 1 << 20});
    return true;
}();

}  // namespace
