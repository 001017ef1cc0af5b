// See the header for why. Each question is one system call, so callers remember the answers.
#include "loop/unblocked_call.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "loop/system_call.hpp"

namespace mayhem::detail {

namespace {

// A pipe that is ready for writing has room for this much; more could block.
constexpr std::uint32_t safe_pipe_write = PIPE_BUF;

bool is_ready(int fd, short events) noexcept {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

descriptor_kind classify(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_NONBLOCK) != 0) return descriptor_kind::non_blocking;
    struct stat status{};
    if (::fstat(fd, &status) != 0) return descriptor_kind::non_blocking;
    if (S_ISSOCK(status.st_mode)) return descriptor_kind::blocking_socket;
    const bool waits = S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
    // What is neither is a file, or one of the kernel's own (eventfd, timerfd, pidfd: anonymous
    // inodes without a type), whose reads block and whose readiness can be asked.
    const bool anonymous = (status.st_mode & S_IFMT) == 0;
    return waits || anonymous ? descriptor_kind::blocking_stream : descriptor_kind::non_blocking;
}

std::int32_t perform_unblocked(operation& op, descriptor_kind kind) noexcept {
    if (op.code == opcode::accept) return is_ready(op.fd, POLLIN) ? perform(op) : -EAGAIN;
    const bool reads = op.code == opcode::read;
    if (kind == descriptor_kind::blocking_socket) {
        const opcode asked = op.code;
        op.code = reads ? opcode::recv : opcode::send;
        op.flags = MSG_NOSIGNAL;
        const std::int32_t result = perform(op);
        op.code = asked;
        return result;
    }
    if (!is_ready(op.fd, reads ? POLLIN : POLLOUT)) return -EAGAIN;
    if (reads) return perform(op);
    const std::uint32_t asked = op.length;
    op.length = std::min(asked, safe_pipe_write);
    const std::int32_t result = perform(op);
    op.length = asked;
    return result;
}

std::int32_t outcome_of_connect(int fd) noexcept {
    if (!is_ready(fd, POLLOUT)) return -EINPROGRESS;
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

bool is_tcp(int fd) noexcept {
    int protocol = 0;
    socklen_t length = sizeof protocol;
    return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
           protocol == IPPROTO_TCP;
}

}  // namespace mayhem::detail
