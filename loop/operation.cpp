// The `prepare_` functions: the only place that knows which field of an operation means what.
#include "loop/operation.hpp"

#include <algorithm>
#include <fcntl.h>

namespace mayhem {

namespace {

// What the kernel moves in one call at most (MAX_RW_COUNT). Longer buffers are read and written in
// part, as the contract of short reads and writes allows anyway; and the result fits an int32.
constexpr std::size_t longest_transfer = 0x7ffff000;

std::uint32_t transfer_length(std::size_t size) noexcept {
    return static_cast<std::uint32_t>(std::min(size, longest_transfer));
}

// The kernel's structures have one pointer type for buffers that it reads and that it writes.
// Whether a buffer is written to is decided by the opcode alone.
void* writable(const void* address) noexcept { return const_cast<void*>(address); }

}  // namespace

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

void operation::prepare(opcode what, int descriptor) noexcept {
    MAYHEM_CHECK(state != operation_state::in_flight, "an operation in flight was prepared again");
    code = what;
    state = operation_state::idle;
    is_multishot = false;
    cancel_requested = false;
    step = 0;
    fd = descriptor;
    flags = 0;
    address = nullptr;
    length = 0;
    offset = current_position;
    status = nullptr;
    result = 0;
}

void operation::prepare_nop() noexcept { prepare(opcode::nop, -1); }

void operation::prepare_read(int descriptor, std::span<std::byte> buffer,
                             std::uint64_t at) noexcept {
    prepare(opcode::read, descriptor);
    address = buffer.data();
    length = transfer_length(buffer.size());
    offset = at;
}

void operation::prepare_write(int descriptor, std::span<const std::byte> buffer,
                              std::uint64_t at) noexcept {
    prepare(opcode::write, descriptor);
    address = writable(buffer.data());
    length = transfer_length(buffer.size());
    offset = at;
}

void operation::prepare_recv(int socket, std::span<std::byte> buffer, int message_flags) noexcept {
    prepare(opcode::recv, socket);
    address = buffer.data();
    length = transfer_length(buffer.size());
    flags = static_cast<std::uint32_t>(message_flags);
}

void operation::prepare_send(int socket, std::span<const std::byte> buffer,
                             int message_flags) noexcept {
    prepare(opcode::send, socket);
    address = writable(buffer.data());
    length = transfer_length(buffer.size());
    flags = static_cast<std::uint32_t>(message_flags | MSG_NOSIGNAL);
}

void operation::prepare_recvmsg(int socket, msghdr& message, int message_flags) noexcept {
    prepare(opcode::recvmsg, socket);
    address = &message;
    flags = static_cast<std::uint32_t>(message_flags);
}

void operation::prepare_sendmsg(int socket, const msghdr& message, int message_flags) noexcept {
    prepare(opcode::sendmsg, socket);
    address = writable(&message);
    flags = static_cast<std::uint32_t>(message_flags | MSG_NOSIGNAL);
}

void operation::prepare_accept(int listener, bool multishot) noexcept {
    prepare(opcode::accept, listener);
    is_multishot = multishot;
    flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
}

void operation::prepare_connect(int socket, const sockaddr* peer, socklen_t peer_length) noexcept {
    prepare(opcode::connect, socket);
    address = writable(peer);
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
    address = writable(path);
    flags = static_cast<std::uint32_t>(open_flags | O_CLOEXEC);
    length = mode;
}

void operation::prepare_statx(int directory, const char* path, int lookup_flags, unsigned mask,
                              struct statx* where) noexcept {
    prepare(opcode::statx, directory);
    address = writable(path);
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
