// without_io_uring PROGRAM [ARGUMENT...]: runs a program in a kernel that refuses io_uring.
//
// Why it is here: containers' seccomp profiles refuse io_uring_setup, and the fallback to epoll
// must be seen to work there, for whole programs too. It refuses to touch any other system call.
// The filter survives exec and is inherited by children.

#include <cstdio>
#include <unistd.h>

#include "tests/support/refuse_system_call.hpp"

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: without_io_uring PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    if (!mayhem::test::refuse_io_uring()) {
        std::perror("without_io_uring: cannot install the filter");
        return 2;
    }
    execvp(argv[1], argv + 1);
    std::perror(argv[1]);
    return 2;
}
