#include "tasks/io/pipe.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/kernel.hpp"

namespace mayhem {
namespace {

unique_fd duplicate(int standard, const char* what) {
    unique_fd made(::fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!made) throw_errno(errno, what);
    return made;
}

}  // namespace

// A write to a pipe without a reader raises SIGPIPE, whose default action ends the process, and
// no flag of write(2) or of io_uring prevents that. Blocking the signal around the call is no way
// out: on io_uring the write happens later, perhaps in a thread of the kernel's. So it is ignored
// for the whole process, as Python does. Children get the default action back (see spawn.cpp),
// because ignored signals are inherited and `cat | head` relies on dying.
void detail::ignore_broken_pipes() {
    static const bool once = [] {
        struct sigaction current{};
        ::sigaction(SIGPIPE, nullptr, &current);
        const bool is_default =
            (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_DFL;
        if (is_default) ::signal(SIGPIPE, SIG_IGN);
        return true;
    }();
    static_cast<void>(once);
}

pipe_writer::pipe_writer(event_loop& loop, unique_fd fd)
    : byte_stream(loop, std::move(fd), detail::io_kind::stream) {
    detail::ignore_broken_pipes();
}

pipe_ends make_pipe() {
    int ends[2] = {-1, -1};
    if (kernel::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw_errno(errno, "pipe");
    unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    event_loop& loop = get_running_loop();
    return {pipe_reader(loop, std::move(read_end)), pipe_writer(loop, std::move(write_end))};
}

pipe_reader standard_input() {
    return {get_running_loop(), duplicate(STDIN_FILENO, "standard input")};
}
pipe_writer standard_output() {
    return {get_running_loop(), duplicate(STDOUT_FILENO, "standard output")};
}
pipe_writer standard_error() {
    return {get_running_loop(), duplicate(STDERR_FILENO, "standard error")};
}

}  // namespace mayhem
