// The limit over epoll: a C server in which nothing is general. One receive and one send for each
// event; a connection whose answer the kernel does not take waits for room.

#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bench/echo/raw_listener.hpp"

namespace {

struct connection {
    int fd;
    std::size_t pending;  // bytes of `buffer` that are still to be sent, from `offset`
    std::size_t offset;
    bool waits;  // for room, and not for requests
    std::unique_ptr<char[]> buffer;
};

thread_local int epoll;
std::size_t buffer_size;

void watch(connection* own, int how, unsigned events) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.ptr = own;
    ::epoll_ctl(epoll, how, own->fd, &wanted);
}

void close_connection(connection* own) {
    ::close(own->fd);
    delete own;
}

void accept_one(int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    bench::set_no_delay(fd);
    watch(new connection{fd, 0, 0, false, std::make_unique_for_overwrite<char[]>(buffer_size)},
          EPOLL_CTL_ADD, EPOLLIN);
}

void send_pending(connection* own) {
    const ssize_t sent =
        ::send(own->fd, own->buffer.get() + own->offset, own->pending, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close_connection(own);
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    own->pending -= taken;
    own->offset += taken;
    const bool must_wait = own->pending > 0;
    if (must_wait != own->waits) watch(own, EPOLL_CTL_MOD, must_wait ? EPOLLOUT : EPOLLIN);
    own->waits = must_wait;
}

void serve(connection* own) {
    if (own->pending > 0) return send_pending(own);
    const ssize_t got = ::recv(own->fd, own->buffer.get(), buffer_size, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close_connection(own);
    own->pending = static_cast<std::size_t>(got);
    own->offset = 0;
    send_pending(own);
}

void run(bench::shared_port& port) {
    epoll = ::epoll_create1(EPOLL_CLOEXEC);
    connection listener{bench::listen_at(port), 0, 0, false, {}};
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
    for (std::array<epoll_event, 256> events;;) {
        const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
        for (int index = 0; index < count; ++index) {
            auto* own = static_cast<connection*>(events[static_cast<std::size_t>(index)].data.ptr);
            own == &listener ? accept_one(listener.fd) : serve(own);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    buffer_size = bench::buffer_size(argc, argv);
    const std::size_t loops = bench::loop_count(argc, argv);
    bench::shared_port port(loops);
    std::vector<std::jthread> others;
    for (std::size_t index = 1; index < loops; ++index) others.emplace_back(run, std::ref(port));
    run(port);
}
