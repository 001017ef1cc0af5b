// The limit of a bulk transfer over epoll: plain calls until the kernel has no room, or no bytes.

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>

#include "bench/bulk/transfer.hpp"
#include "bench/support/bench.hpp"

namespace {

struct end {
    int fd;
    bool writes;
    std::vector<char> message;
    std::size_t done = 0;  // bytes of the message under way
    std::int64_t left = 0;

    /// Goes on for one part, unless it would have to wait. False when nothing was moved.
    bool step() {
        std::size_t part = 0;
        while (left > 0 && part < bench::part_bytes) {
            char* const at = message.data() + done;
            const std::size_t rest = std::min(message.size() - done, bench::part_bytes);
            const ssize_t moved =
                writes ? ::send(fd, at, rest, MSG_NOSIGNAL) : ::recv(fd, at, rest, 0);
            if (moved < 0 && errno == EAGAIN) break;
            if (moved <= 0) std::terminate();
            part += static_cast<std::size_t>(moved);
            done += static_cast<std::size_t>(moved);
            if (done < message.size()) continue;
            done = 0;
            --left;
        }
        return part > 0;
    }
};

/// They take turns, so that what was written is in the cache when it is read.
void run(end& from, end& to) {
    for (bool moves = true; moves;) {
        moves = from.step();
        moves = to.step() || moves;
    }
}

void measure_transfer(benchmark::State& state) {
    const bench::counted counting(state, bench::message_count(state));
    const auto [writer, reader] = bench::tcp_pair();
    const std::vector<char> empty(bench::message_bytes(state));
    end from{writer, true, empty};
    end to{reader, false, empty};
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event edges{.events = EPOLLOUT | EPOLLET, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, writer, &edges);
    edges = {.events = EPOLLIN | EPOLLET, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, reader, &edges);
    for (auto _ : state) {
        from.left = to.left = bench::message_count(state);
        run(from, to);
        for (std::array<epoll_event, 2> ready{}; to.left > 0; run(from, to)) {
            ::epoll_wait(epoll, ready.data(), ready.size(), -1);
        }
    }
    for (const int fd : {writer, reader, epoll}) ::close(fd);
}

const bool registered = [] {
    bench::add_sized("transfer", measure_transfer, {16 << 10, 1 << 20});
    return true;
}();

}  // namespace
