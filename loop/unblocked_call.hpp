// Plain calls on descriptors that somebody else may have left blocking.
//
// Why it is here: an inherited stdin, pipe or listener is shared with other processes, so its
// O_NONBLOCK flag is not ours to change; and yet a loop must not block on it. A socket has
// MSG_DONTWAIT; everything else is asked for its readiness first. What this cannot do: to keep
// another process from taking the data between the question and the call.
#pragma once

#include <cstdint>

#include "loop/operation.hpp"

namespace mayhem::detail {

/// What a descriptor is, as far as it decides how to call it without blocking.
enum class descriptor_kind : std::uint8_t {
    unknown,          ///< not asked yet
    non_blocking,     ///< O_NONBLOCK, or a file, which is never waited for: just call
    blocking_socket,  ///< recv and send with MSG_DONTWAIT do what read and write would
    blocking_stream,  ///< pipe, tty, eventfd: ask for readiness first
};

/// Asks the kernel. A descriptor that does not exist is `non_blocking`: the call itself will tell.
[[nodiscard]] descriptor_kind classify(int fd) noexcept;

/// `perform` for reads, writes and accepts on a blocking descriptor: -EAGAIN where it would wait.
/// Writes to a stream may be cut to what a pipe surely takes.
[[nodiscard]] std::int32_t perform_unblocked(operation& op, descriptor_kind kind) noexcept;

/// What became of a connect that was started: 0, its error, or -EINPROGRESS.
[[nodiscard]] std::int32_t outcome_of_connect(int fd) noexcept;

/// True for a TCP socket; the kernel tells of everything that such a one receives after a read that
/// emptied it (see epoll_backend.hpp, "drained").
[[nodiscard]] bool is_tcp(int fd) noexcept;

}  // namespace mayhem::detail
