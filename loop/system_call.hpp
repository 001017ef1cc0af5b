// Performs an operation as a plain system call. The epoll backend calls it when a descriptor is
// ready (and once before, speculatively); executors call it for files, which have no readiness.
// The result has the kernel's shape that io_uring gives too: a value, or a negative errno.
#pragma once

#include <cstdint>

#include "loop/operation.hpp"

namespace mayhem::detail {

/// Runs the system call that `op` describes and returns its result or a negative errno. EINTR is
/// retried. Sockets are never waited for: on an empty one the result is -EAGAIN. (Streams that are
/// not sockets — pipes, ttys — must be O_NONBLOCK for the same answer.)
[[nodiscard]] std::int32_t perform(operation& op) noexcept;

}  // namespace mayhem::detail
