// The limit of ping-pong with epoll: sockets are registered once, edge-triggered; a coroutine waits
// for its socket and then makes the plain calls.

#include "bench/support/raw.hpp"

#include <memory>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include "bench/support/bench.hpp"
#include "bench/support/ping_pong.hpp"

namespace {

/// A socket, and who waits for it: awaiting it is waiting until it can be read.
class socket_end : raw::node {
  public:
    socket_end(int poll, int fd) : fd_(fd) {
        epoll_event edge{.events = EPOLLIN | EPOLLET, .data = {.ptr = this}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &edge);
    }
    socket_end(const socket_end&) = delete;
    socket_end& operator=(const socket_end&) = delete;
    ~socket_end() { ::close(fd_); }

    void send(const bench::message& message) const {
        if (::send(fd_, message.data(), message.size(), MSG_NOSIGNAL) < 0) std::terminate();
    }
    void receive(bench::message& message) const {
        if (::recv(fd_, message.data(), message.size(), 0) < 0) std::terminate();
    }
    void on_edge() noexcept {
        if (frame) {
            raw::ready.push(*this);
        } else {
            readable_ = true;
        }
    }

    bool await_ready() noexcept { return std::exchange(readable_, false); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { frame = waiting; }
    void await_resume() noexcept { frame = nullptr; }

  private:
    int fd_;
    bool readable_ = false;
};

raw::job ping(socket_end& end, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        end.send(message);
        co_await end;
        end.receive(message);
    }
    --playing;
}

raw::job pong(socket_end& end, std::int64_t rounds, std::int64_t& playing) {
    bench::message message{};
    for (; rounds > 0; --rounds) {
        co_await end;
        end.receive(message);
        end.send(message);
    }
    --playing;
}

void run(int poll, const std::int64_t& playing) {
    std::array<epoll_event, 256> events{};
    raw::run_ready();
    while (playing > 0) {
        const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
        for (int at = 0; at < count; ++at) {
            static_cast<socket_end*>(events[static_cast<std::size_t>(at)].data.ptr)->on_edge();
        }
        raw::run_ready();
    }
}

void measure_pairs(benchmark::State& state) {
    const bench::counted counting(state, bench::rounds_of_all(state));
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<socket_end>> ends;
    for (std::int64_t count = state.range(0); count > 0; --count) {
        const auto [left, right] = bench::socket_pair();
        ends.push_back(std::make_unique<socket_end>(poll, left));
        ends.push_back(std::make_unique<socket_end>(poll, right));
    }
    for (auto _ : state) {
        std::int64_t playing = 2 * state.range(0);
        for (std::size_t at = 0; at < ends.size(); at += 2) {
            ping(*ends[at], bench::rounds_of_each(state), playing);
            pong(*ends[at + 1], bench::rounds_of_each(state), playing);
        }
        run(poll, playing);
    }
    ::close(poll);
}

const bool registered = [] {
    bench::add_sized("pairs", measure_pairs, {1, 10, 100});
    return true;
}();

}  // namespace
