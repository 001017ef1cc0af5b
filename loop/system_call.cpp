// One switch from opcodes to system calls. What it refuses to do: to wait. A call that cannot
// finish now answers -EAGAIN (a connect: -EINPROGRESS), and the caller knows what to wait for.
#include "loop/system_call.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mayhem::detail {

namespace {

// Makes a blocking socket non-blocking, for as long as this lives: connect and sendfile have no
// MSG_DONTWAIT. The flag belongs to the open socket, so it is put back: a socket that somebody
// handed in stays as it was.
class not_waiting {
  public:
    explicit not_waiting(int fd) noexcept : fd_(fd), before_(::fcntl(fd, F_GETFL)) {
        if (is_blocking()) ::fcntl(fd_, F_SETFL, before_ | O_NONBLOCK);
    }
    not_waiting(const not_waiting&) = delete;
    not_waiting& operator=(const not_waiting&) = delete;
    ~not_waiting() {
        if (is_blocking()) ::fcntl(fd_, F_SETFL, before_);
    }

  private:
    [[nodiscard]] bool is_blocking() const noexcept {
        return before_ >= 0 && (before_ & O_NONBLOCK) == 0;
    }
    int fd_;
    int before_;
};

std::int32_t connect_without_waiting(const operation& op) noexcept {
    const not_waiting scope(op.fd);
    // Not retried: an interrupted connect goes on by itself, which is what EINPROGRESS says.
    const int result = ::connect(op.fd, static_cast<const sockaddr*>(op.address), op.length);
    const int error = result == 0 ? 0 : errno;
    if (error == EINTR || error == EALREADY) return -EINPROGRESS;
    return -error;
}

int message_flags(const operation& op) noexcept {
    return static_cast<int>(op.flags) | MSG_DONTWAIT;
}
off_t offset_of(const operation& op) noexcept { return static_cast<off_t>(op.offset); }

std::int32_t sendfile_without_waiting(const operation& op) noexcept {
    const not_waiting scope(op.fd);
    return retried([&] {
        off_t at = offset_of(op);
        return ::sendfile(op.fd, op.source, &at, op.length);
    });
}

std::int32_t poll_now(const operation& op) noexcept {
    pollfd entry{.fd = op.fd, .events = static_cast<short>(op.flags), .revents = 0};
    const std::int32_t count = retried([&] { return ::poll(&entry, 1, 0); });
    if (count < 0) return count;
    if (count == 0) return -EAGAIN;
    return (entry.revents & POLLNVAL) != 0 ? -EBADF : entry.revents;
}

}  // namespace

std::int32_t perform(operation& op) noexcept {
    switch (op.code) {
        case opcode::nop:
            return 0;
        case opcode::read:
            return retried([&] {
                return op.offset == operation::current_position
                           ? ::read(op.fd, op.address, op.length)
                           : ::pread(op.fd, op.address, op.length, offset_of(op));
            });
        case opcode::write:
            return retried([&] {
                return op.offset == operation::current_position
                           ? ::write(op.fd, op.address, op.length)
                           : ::pwrite(op.fd, op.address, op.length, offset_of(op));
            });
        case opcode::recv:
            return recv_now(op);
        case opcode::send:
            return send_now(op);
        case opcode::recvmsg:
            return retried([&] {
                return ::recvmsg(op.fd, static_cast<msghdr*>(op.address), message_flags(op));
            });
        case opcode::sendmsg:
            return retried([&] {
                return ::sendmsg(op.fd, static_cast<const msghdr*>(op.address), message_flags(op));
            });
        case opcode::sendfile:
            return sendfile_without_waiting(op);
        case opcode::accept:
            return retried(
                [&] { return ::accept4(op.fd, nullptr, nullptr, static_cast<int>(op.flags)); });
        case opcode::connect:
            return connect_without_waiting(op);
        case opcode::poll:
            return poll_now(op);
        case opcode::openat:
            return retried([&] {
                return ::openat(op.fd, static_cast<const char*>(op.address),
                                static_cast<int>(op.flags), op.length);
            });
        case opcode::statx:
            return retried([&] {
                return ::statx(op.fd, static_cast<const char*>(op.address),
                               static_cast<int>(op.flags), op.length, op.status);
            });
        case opcode::fsync:
            return retried([&] { return op.flags != 0 ? ::fdatasync(op.fd) : ::fsync(op.fd); });
        case opcode::close:
            // Never retried: on Linux the descriptor is gone even when a signal interrupted the
            // call, and a second close could hit somebody else's.
            return ::close(op.fd) == 0 || errno == EINTR ? 0 : -errno;
    }
    return -EINVAL;
}

}  // namespace mayhem::detail
