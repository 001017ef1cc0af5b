// A kernel that refuses system calls, for the length of one child process.
//
// Why it is here: containers refuse io_uring_setup, sandboxes refuse more, and the code that copes
// with it must be seen to work. The filter is a raw seccomp program, so no library is needed. It
// cannot be taken back; therefore it is installed in a forked child, where `in_child` runs a piece
// of a test. (`without_io_uring` does the same to whole programs.)
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <span>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mayhem::test {

[[nodiscard]] inline bool install_filter(std::span<sock_filter> instructions) {
    const sock_fprog filter{.len = static_cast<unsigned short>(instructions.size()),
                            .filter = instructions.data()};
    // Without new privileges a filter may be installed by anyone.
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// From now on, and for ever, system call `number` answers `error` in this thread and in those that
/// it starts. @returns false when the filter cannot be installed.
[[nodiscard]] inline bool refuse_system_call(long number, int error) {
    const auto refused = static_cast<std::uint32_t>(number);
    const auto answer = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install_filter(instructions);
}

/// The same, but only for calls whose argument number `argument` has none of the bits in `mask`.
[[nodiscard]] inline bool refuse_system_call_without(long number, int error, unsigned argument,
                                                     std::uint32_t mask) {
    const auto refused = static_cast<std::uint32_t>(number);
    const auto answer = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
    // The lower half of a 64-bit argument comes first on the little-endian machines we run on.
    const auto position = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * argument);
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, position),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install_filter(instructions);
}

/// As a container's default profile does it (EPERM), or an old kernel (ENOSYS).
[[nodiscard]] inline bool refuse_io_uring(int error = EPERM) {
    return refuse_system_call(__NR_io_uring_setup, error);
}

/// Runs `body` in a forked child and returns its result, the child's exit status; -1 when a signal
/// ended it. The child leaves without running destructors of the parent's objects.
/// REQUIRES: no ring or epoll descriptor of the parent is used by `body`.
template <typename Body>
[[nodiscard]] int in_child(Body body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        const int status = body();
        std::fflush(nullptr);
        ::_exit(status);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace mayhem::test
