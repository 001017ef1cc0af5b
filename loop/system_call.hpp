// Performs an operation as a plain system call. The epoll backend calls it when a descriptor is
// ready (and once before, speculatively); executors call it for files, which have no readiness.
// The result has the kernel's shape that io_uring gives too: a value, or a negative errno.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <sys/socket.h>

#include "loop/operation.hpp"
#include "loop/read_buffer.hpp"

namespace mayhem::detail {

/// Runs the system call that `op` describes and returns its result or a negative errno. EINTR is
/// retried. Sockets are never waited for: on an empty one the result is -EAGAIN. (Streams that are
/// not sockets — pipes, ttys — must be O_NONBLOCK for the same answer.)
[[nodiscard]] std::int32_t perform(operation& op) noexcept;

/// Calls `call` until no signal interrupts it, and folds the C library's -1 and errno into one
/// number, the kernel's own form.
template <typename Call>
std::int32_t retried(Call call) noexcept {
    for (;;) {
        const auto result = call();
        if (result >= 0) [[likely]]
            return static_cast<std::int32_t>(result);
        if (errno != EINTR) return -errno;
    }
}

/// `perform` of one opcode, inline: what nearly all operations are.
inline std::int32_t recv_now(const operation& op) noexcept {
    const int flags = static_cast<int>(op.flags) | MSG_DONTWAIT;
    return retried([&] { return ::recv(op.fd, op.address, op.length, flags); });
}
inline std::int32_t send_now(const operation& op) noexcept {
    const int flags = static_cast<int>(op.flags) | MSG_DONTWAIT;
    return retried([&] { return ::send(op.fd, op.address, op.length, flags); });
}

/// `call(op)`, with a buffer to read into when `op` brings its own; unless bytes came, it is given
/// back. @returns what `call` returns, or -ENOMEM.
template <typename Call>
std::int32_t with_buffer(operation& op, Call call) noexcept {
    if (!op.takes_buffer) [[likely]]
        return call(op);
    std::byte* const buffer = take_read_buffer();
    if (buffer == nullptr) return -ENOMEM;
    op.address = buffer;
    const std::int32_t result = call(op);
    if (result > 0) return result;
    op.address = nullptr;
    give_read_buffer(buffer);
    return result;
}

}  // namespace mayhem::detail
