// The limit of ping-pong with io_uring: one ring whose completions are reaped by whoever enters, a
// send linked with the recv after it, and one enter for all that a turn submitted.

#include <exception>
#include <liburing.h>
#include <unistd.h>
#include <vector>

#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"
#include "bench/support/raw.hpp"

namespace {

class ring {
  public:
    ring() {
        constexpr unsigned flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
        if (::io_uring_queue_init(1024, &ring_, flags) != 0) std::terminate();
    }
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() { ::io_uring_queue_exit(&ring_); }

    io_uring_sqe& next() { return *::io_uring_get_sqe(&ring_); }

    /// Submits, waits for at least one completion, and runs who waited.
    void turn() {
        ::io_uring_submit_and_wait(&ring_, 1);
        io_uring_cqe* completed = nullptr;
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring_, head, completed) {
            ++seen;
            if (completed->res < 0) std::terminate();
            if (auto* const waiting = reinterpret_cast<raw::node*>(completed->user_data)) {
                raw::ready.push(*waiting);
            }
        }
        ::io_uring_cq_advance(&ring_, seen);
        raw::run_ready();
    }

  private:
    io_uring ring_{};
};

/// Sends, if there is anything to send, and receives: awaited until both are done.
struct exchange : raw::node {
    exchange(ring& over, int fd, bench::message* to_send, bench::message& to_fill) noexcept
        : ring_(over), fd_(fd), to_send_(to_send), to_fill_(to_fill) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        frame = waiting;
        if (to_send_ != nullptr) {
            io_uring_sqe& send = ring_.next();
            ::io_uring_prep_send(&send, fd_, to_send_->data(), to_send_->size(), MSG_NOSIGNAL);
            send.flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
            send.user_data = 0;
        }
        io_uring_sqe& receive = ring_.next();
        ::io_uring_prep_recv(&receive, fd_, to_fill_.data(), to_fill_.size(), 0);
        receive.user_data = reinterpret_cast<std::uint64_t>(static_cast<raw::node*>(this));
    }
    void await_resume() const noexcept {}

  private:
    ring& ring_;
    int fd_;
    bench::message* to_send_;
    bench::message& to_fill_;
};

raw::job ping(ring& over, int fd, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    for (; rounds > 0; --rounds) co_await exchange(over, fd, &message, message);
    --playing;
}

raw::job pong(ring& over, int fd, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    co_await exchange(over, fd, nullptr, message);
    for (; rounds > 1; --rounds) co_await exchange(over, fd, &message, message);
    if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) < 0) std::terminate();
    --playing;
}

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    ring over;
    std::vector<std::pair<int, int>> pairs;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        pairs.push_back(bench::socket_pair());
    }
    for (auto _ : state) {
        std::int64_t playing = 2 * state.range(0);
        for (const auto& [left, right] : pairs) {
            ping(over, left, bench::rounds_of_each(state), playing);
            pong(over, right, bench::rounds_of_each(state), playing);
        }
        raw::run_ready();
        while (playing > 0) over.turn();
    }
    for (const auto& [left, right] : pairs) {
        ::close(left);
        ::close(right);
    }
}

const bool registered = [] {
    bench::add_sized("pairs", measure_pairs, {1, 10, 100});
    return true;
}();

}  // namespace
