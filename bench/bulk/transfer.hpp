// What all who transfer in bulk agree on: a connection of TCP over the loopback whose two ends are
// in one loop, and so many messages, all in one direction. A message is written as a whole and read
// as a whole, into memory of its own length.
#pragma once

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace bench {

/// Bytes of a message.
inline std::size_t message_bytes(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

/// Messages of one iteration: 16 MiB in sum, and a hundred at least where they are very short.
inline std::int64_t message_count(const benchmark::State& state) {
    constexpr std::int64_t bytes = 16 << 20;
    return bytes / (state.range(0) > 1024 ? state.range(0) : bytes / 100);
}

/// The most that the limit moves in one call; who moves more at once finds it out of the cache when
/// it is read.
constexpr std::size_t part_bytes = 512 << 10;

/// Two connected TCP sockets that do not block: (the one that writes, the one that reads).
inline std::pair<int, int> tcp_pair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof where;
    auto* address = reinterpret_cast<sockaddr*>(&where);
    if (::bind(listener, address, length) != 0 || ::listen(listener, 1) != 0) std::terminate();
    ::getsockname(listener, address, &length);
    const int writer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(writer, address, length) != 0) std::terminate();
    const int reader = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    const int on = 1;
    for (const int end : {writer, reader}) {
        ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
        ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return {writer, reader};
}

}  // namespace bench
