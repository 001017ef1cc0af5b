// The `prepare_` functions that are not worth being inline, and the opcodes' names. With those in
// the header, the only place that knows which field of an operation means what.
#include "loop/operation.hpp"

#include <fcntl.h>

#include "loop/read_buffer.hpp"

namespace mayhem {

std::string_view to_string(opcode code) noexcept {
    switch (code) {
        case opcode::nop:
            return "nop";
        case opcode::read:
            return "read";
        case opcode::write:
            return "write";
        case opcode::recv:
            return "recv";
        case opcode::send:
            return "send";
        case opcode::recvmsg:
            return "recvmsg";
        case opcode::sendmsg:
            return "sendmsg";
        case opcode::sendfile:
            return "sendfile";
        case opcode::accept:
            return "accept";
        case opcode::connect:
            return "connect";
        case opcode::poll:
            return "poll";
        case opcode::openat:
            return "openat";
        case opcode::statx:
            return "statx";
        case opcode::fsync:
            return "fsync";
        case opcode::close:
            return "close";
    }
    return "unknown";
}

void operation::prepare_nop() noexcept { prepare(opcode::nop, -1); }

void operation::prepare_read_buffered(int descriptor, opcode how) noexcept {
    MAYHEM_CHECK(how == opcode::read || how == opcode::recv, "only reads bring a buffer");
    prepare(how, descriptor);
    takes_buffer = true;
    length = detail::read_buffer_bytes;
}

void operation::prepare_recvmsg(int socket, msghdr& message, int message_flags) noexcept {
    prepare(opcode::recvmsg, socket);
    address = &message;
    flags = static_cast<std::uint32_t>(message_flags);
}

void operation::prepare_sendmsg(int socket, const msghdr& message, int message_flags) noexcept {
    prepare(opcode::sendmsg, socket);
    address = detail::writable(&message);
    flags = static_cast<std::uint32_t>(message_flags | MSG_NOSIGNAL);
}

void operation::prepare_sendfile(int socket, int file, std::size_t size,
                                 std::uint64_t at) noexcept {
    prepare(opcode::sendfile, socket);
    source = file;
    length = detail::transfer_length(size);
    offset = at;
}

void operation::prepare_accept(int listener, bool multishot) noexcept {
    prepare(opcode::accept, listener);
    is_multishot = multishot;
    flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
}

void operation::prepare_connect(int socket, const sockaddr* peer, socklen_t peer_length) noexcept {
    prepare(opcode::connect, socket);
    address = detail::writable(peer);
    length = peer_length;
}

void operation::prepare_poll(int descriptor, std::uint32_t events, bool multishot) noexcept {
    prepare(opcode::poll, descriptor);
    is_multishot = multishot;
    flags = events;
}

void operation::prepare_openat(int directory, const char* path, int open_flags,
                               unsigned mode) noexcept {
    prepare(opcode::openat, directory);
    address = detail::writable(path);
    flags = static_cast<std::uint32_t>(open_flags | O_CLOEXEC);
    length = mode;
}

void operation::prepare_statx(int directory, const char* path, int lookup_flags, unsigned mask,
                              struct statx* where) noexcept {
    prepare(opcode::statx, directory);
    address = detail::writable(path);
    flags = static_cast<std::uint32_t>(lookup_flags);
    length = mask;
    status = where;
}

void operation::prepare_fsync(int descriptor, bool data_only) noexcept {
    prepare(opcode::fsync, descriptor);
    flags = data_only ? 1U : 0U;
}

void operation::prepare_close(int descriptor) noexcept { prepare(opcode::close, descriptor); }

}  // namespace mayhem
