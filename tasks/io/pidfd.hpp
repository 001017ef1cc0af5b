// The two system calls of pidfds. By their numbers, because the C library's header for them was not
// made for C++ at first (glibc 2.36 declares them without C linkage).
#pragma once

#include <cerrno>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "loop/fd.hpp"

namespace mayhem::detail {

/// A descriptor (close-on-exec) for the process that has the number `pid` now; empty, with errno
/// set, when there is none.
[[nodiscard]] inline unique_fd open_pidfd(pid_t pid) noexcept {
    return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

/// Sends a signal to that process and to no other. @returns 0, or an errno: ESRCH when it is gone.
[[nodiscard]] inline int signal_pidfd(int pidfd, int signal_number) noexcept {
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0U) == 0 ? 0 : errno;
}

}  // namespace mayhem::detail
