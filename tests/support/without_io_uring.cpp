// without_io_uring PROGRAM [ARGUMENT...]: runs a program in a kernel that refuses io_uring.
//
// Why it is here: containers' seccomp profiles refuse io_uring_setup, and the fallback to epoll
// must be seen to work there, not imagined. This installs the same refusal as Docker does: a filter
// that answers EPERM. It refuses to touch any other system call.

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: without_io_uring PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    // The number of a system call lies at the beginning of seccomp_data; only one is refused.
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{.len = sizeof instructions / sizeof *instructions,
                            .filter = instructions};
    // Without new privileges a filter may be installed by anyone; it survives exec.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        std::perror("without_io_uring: cannot install the filter");
        return 2;
    }
    execvp(argv[1], argv + 1);
    std::perror(argv[1]);
    return 2;
}
