// What all who play ping-pong agree on: the message, and how often it goes to and fro.
#pragma once

#include <array>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>
#include <sys/socket.h>
#include <utility>

namespace bench {

using message = std::array<std::byte, 64>;

/// Round trips of each pair in one iteration; all pairs together have about the same number.
inline std::int64_t rounds_of_each(const benchmark::State& state) {
    constexpr std::int64_t rounds_at_once = 2000;
    return (rounds_at_once + state.range(0) - 1) / state.range(0);
}
inline std::int64_t rounds_of_all(const benchmark::State& state) {
    return rounds_of_each(state) * state.range(0);
}

/// Two sockets that are connected to each other and do not block.
inline std::pair<int, int> socket_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return {};
    return {ends[0], ends[1]};
}

}  // namespace bench
