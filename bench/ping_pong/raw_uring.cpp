// The limit of ping-pong with io_uring: one ring whose completions are reaped by whoever enters,
// and one enter for all that a turn submitted: first the sends, then the receives, which find what
// was sent and need not wait. (Linking a send with the receive after it is level with that for a
// hundred pairs, and two fifths slower for one.)

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

    void send(int fd, const bench::message& message, raw::node& waiting) {
        io_uring_sqe& entry = next();
        ::io_uring_prep_send(&entry, fd, message.data(), message.size(), MSG_NOSIGNAL);
        entry.user_data = reinterpret_cast<std::uint64_t>(&waiting);
    }
    void receive(int fd, bench::message& message, raw::node& waiting) {
        receives_.push_back({fd, &message, &waiting});
    }

    /// Submits, waits for at least one completion, and runs who waited.
    void turn() {
        for (const auto& [fd, message, waiting] : receives_) {
            io_uring_sqe& entry = next();
            ::io_uring_prep_recv(&entry, fd, message->data(), message->size(), 0);
            entry.user_data = reinterpret_cast<std::uint64_t>(waiting);
        }
        receives_.clear();
        ::io_uring_submit_and_wait(&ring_, 1);
        io_uring_cqe* completed = nullptr;
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_for_each_cqe(&ring_, head, completed) {
            ++seen;
            if (completed->res < 0) std::terminate();
            raw::ready.push(*reinterpret_cast<raw::node*>(completed->user_data));
        }
        ::io_uring_cq_advance(&ring_, seen);
        raw::run_ready();
    }

  private:
    io_uring_sqe& next() { return *::io_uring_get_sqe(&ring_); }

    struct receiving {
        int fd;
        bench::message* message;
        raw::node* waiting;
    };
    io_uring ring_{};
    std::vector<receiving> receives_;  // of this turn
};

/// Awaited until it is done.
struct sending : raw::node {
    sending(ring& over, int fd, const bench::message& message) noexcept
        : over_(over), fd_(fd), message_(message) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        frame = waiting;
        over_.send(fd_, message_, *this);
    }
    void await_resume() const noexcept {}

  private:
    ring& over_;
    int fd_;
    const bench::message& message_;
};
struct receiving : raw::node {
    receiving(ring& over, int fd, bench::message& message) noexcept
        : over_(over), fd_(fd), message_(message) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        frame = waiting;
        over_.receive(fd_, message_, *this);
    }
    void await_resume() const noexcept {}

  private:
    ring& over_;
    int fd_;
    bench::message& message_;
};

raw::job ping(ring& over, int fd, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await sending(over, fd, message);
        co_await receiving(over, fd, message);
    }
    --playing;
}

raw::job pong(ring& over, int fd, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await receiving(over, fd, message);
        co_await sending(over, fd, message);
    }
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
