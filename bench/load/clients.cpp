#include "bench/load/clients.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace bench {
namespace {

/// For what is under way at the end.
constexpr std::chrono::seconds patience{10};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket (ulimit -n says how many are allowed)");
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0) fail("connect");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

}  // namespace

clients::clients(std::uint16_t port, std::size_t count, std::size_t size)
    : clients_(count), payload_(size), answer_(size) {
    // By default the kernel wakes a waiting thread up to 50 us late, to save power.
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (std::size_t index = 0; index < size; ++index) {
        payload_[index] = static_cast<char>('a' + index % 26);
    }
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("epoll_create1");
    for (client& each : clients_) {
        each.fd = connect_to(port);
        watch(each, false, EPOLL_CTL_ADD);
    }
}

clients::~clients() {
    for (const client& each : clients_) ::close(each.fd);
    ::close(epoll_);
}

void clients::run(std::chrono::nanoseconds time, double rate) {
    latencies_ = {};
    rate_ = rate;
    requests_ = 0;
    start_ = steady::now();
    end_ = start_ + time;
    for (client& each : clients_) {
        each.requests_due = 0;
        each.next_request = static_cast<std::uint64_t>(&each - clients_.data());
        if (rate_ == 0) begin(each, steady::now());
    }
    for (;;) {
        const auto now = steady::now();
        if (rate_ != 0) serve_due(now);
        if (now >= end_ && busy_ == 0) return;
        wait();
    }
}

steady::time_point clients::due(std::uint64_t request) const {
    return start_ + std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::duration<double>(static_cast<double>(request) / rate_));
}

/// Requests come due one after the other, each at the next connection.
void clients::serve_due(steady::time_point now) {
    for (; due(requests_) <= std::min(now, end_); ++requests_) {
        client& own = clients_[requests_ % clients_.size()];
        ++own.requests_due;
        if (!own.busy) complete(own);
    }
}

void clients::begin(client& own, steady::time_point since) {
    own.sent = own.received = 0;
    own.since = since;
    if (!own.busy) ++busy_;
    own.busy = true;
    send(own);
}

void clients::send(client& own) {
    while (own.sent < payload_.size()) {
        const ssize_t done =
            ::send(own.fd, payload_.data() + own.sent, payload_.size() - own.sent, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == EAGAIN) return watch(own, true, EPOLL_CTL_MOD);
        if (done < 0) fail("send");
        own.sent += static_cast<std::size_t>(done);
    }
    if (own.waits_for_room) watch(own, false, EPOLL_CTL_MOD);
}

void clients::receive(client& own) {
    const ssize_t done = ::recv(own.fd, answer_.data(), payload_.size() - own.received, 0);
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (done < 0) fail("recv");
    if (done == 0) throw std::runtime_error("the server closed a connection");
    const auto length = static_cast<std::size_t>(done);
    if (std::memcmp(answer_.data(), payload_.data() + own.received, length) != 0) {
        throw std::runtime_error("the server's answer is not what it was sent");
    }
    own.received += length;
    if (own.received < payload_.size()) return;
    const auto now = steady::now();
    if (now < end_ || rate_ != 0) {
        latencies_.record(static_cast<std::uint64_t>((now - own.since).count()));
    }
    complete(own);
}

/// An answer is complete, or there was none: begins the next request if there is one.
void clients::complete(client& own) {
    if (own.busy) --busy_;
    own.busy = false;
    if (rate_ == 0) {
        const auto now = steady::now();
        if (now < end_) begin(own, now);
        return;
    }
    if (own.requests_due == 0) return;
    --own.requests_due;
    const auto since = due(own.next_request);
    own.next_request += clients_.size();
    begin(own, since);
}

void clients::watch(client& own, bool room_too, int how) {
    epoll_event wanted{};
    wanted.events = room_too ? EPOLLIN | EPOLLOUT : EPOLLIN;
    wanted.data.ptr = &own;
    if (::epoll_ctl(epoll_, how, own.fd, &wanted) != 0) fail("epoll_ctl");
    own.waits_for_room = room_too;
}

void clients::wait() {
    const auto now = steady::now();
    const auto last = end_ + patience;
    if (now >= last) throw std::runtime_error("the server does not keep up, or answer at all");
    const bool more_is_due = rate_ != 0 && now < end_;
    const auto left = std::max(steady::duration(0), (more_is_due ? due(requests_) : last) - now);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec limit{seconds.count(), (left - seconds).count()};
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &limit, nullptr);
    if (count < 0 && errno != EINTR) fail("epoll_pwait2");
    for (int index = 0; index < count; ++index) {
        const epoll_event& event = events[static_cast<std::size_t>(index)];
        client& own = *static_cast<client*>(event.data.ptr);
        if ((event.events & EPOLLOUT) != 0 && own.waits_for_room) send(own);
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(own);
    }
}

}  // namespace bench
