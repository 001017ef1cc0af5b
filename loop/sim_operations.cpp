// Operations on simulated descriptors: which call each of them is, when it is ready, and how it is
// carried out.
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <new>
#include <poll.h>
#include <unistd.h>

#include "loop/kernel.hpp"
#include "loop/sim_address.hpp"
#include "loop/sim_kernel.hpp"

namespace mayhem {

namespace {

std::span<const iovec> parts_of(const msghdr& header) noexcept {
    return {header.msg_iov, header.msg_iovlen};
}

}  // namespace

sim_call sim_kernel::call_of(const operation& op) noexcept {
    const bool on_file = !kernel::is_simulated(op.fd);
    switch (op.code) {
        case opcode::recv:
        case opcode::recvmsg:
            return sim_call::recv;
        case opcode::send:
        case opcode::sendmsg:
        case opcode::sendfile:
            return sim_call::send;
        case opcode::read:
            return on_file ? sim_call::file_read : sim_call::read;
        case opcode::write:
            return on_file ? sim_call::file_write : sim_call::write;
        case opcode::accept:
            return sim_call::accept;
        case opcode::connect:
            return sim_call::connect;
        case opcode::openat:
            return sim_call::openat;
        case opcode::statx:
            return sim_call::statx;
        case opcode::fsync:
            return sim_call::fsync;
        case opcode::close:
            return sim_call::close;
        case opcode::nop:
        case opcode::poll:
            return sim_call::poll;
    }
    return sim_call::poll;
}

std::int32_t sim_kernel::perform(operation& op) noexcept {
    sim_file* const on = find(op.fd);
    if (on == nullptr) return faults_.note(call_of(op), -EBADF);
    switch (op.code) {
        // Those that have a plain form are that call.
        case opcode::recv:
            return recv(op.fd, op.address, op.length, static_cast<int>(op.flags));
        case opcode::send:
            return send(op.fd, op.address, op.length, static_cast<int>(op.flags));
        case opcode::sendfile:
            return send_file(op);
        case opcode::read:
            return read(op.fd, op.address, op.length);
        case opcode::write:
            return write(op.fd, op.address, op.length);
        case opcode::accept:
            return accept(op.fd, static_cast<int>(op.flags));
        case opcode::connect:
            return connect(op.fd, static_cast<const sockaddr*>(op.address), op.length);
        case opcode::close:
            return close(op.fd);
        default:
            return answer(call_of(op), op.fd, [&] { return do_perform(op, *on); });
    }
}

/// The file is a real one: so much of it as a stack holds becomes a send.
std::int32_t sim_kernel::send_file(const operation& op) noexcept {
    std::array<std::byte, std::size_t{16} << 10> part{};
    const std::size_t size = std::min<std::size_t>(op.length, part.size());
    const ssize_t found = ::pread(op.source, part.data(), size, static_cast<off_t>(op.offset));
    if (found <= 0) return faults_.note(sim_call::send, found < 0 ? -errno : 0);
    return send(op.fd, part.data(), static_cast<std::size_t>(found), 0);
}

std::int32_t sim_kernel::do_perform(operation& op, sim_file& on) {
    const auto flags = static_cast<int>(op.flags);
    switch (op.code) {
        case opcode::recvmsg: {
            auto& header = *static_cast<msghdr*>(op.address);
            if (!on.is_socket()) return -ENOTSOCK;
            return on.receive(parts_of(header), flags, &header);
        }
        case opcode::sendmsg: {
            const auto& header = *static_cast<const msghdr*>(op.address);
            if (!on.is_socket()) return -ENOTSOCK;
            const bool is_addressed = header.msg_name != nullptr;
            const auto* const to = static_cast<const sockaddr*>(header.msg_name);
            return send_on(
                on, parts_of(header),
                is_addressed ? detail::make_address(to, header.msg_namelen) : sim_address(), flags);
        }
        case opcode::poll: {
            const auto found = on.events() & (op.flags | POLLERR | POLLHUP);
            return found == 0 ? -EAGAIN : static_cast<std::int32_t>(found);
        }
        default:
            return -EINVAL;  // fsync, openat and statx mean nothing here
    }
}

bool sim_kernel::is_ready(const operation& op) noexcept {
    const sim_file* const on = find(op.fd);
    if (on == nullptr) return true;
    const std::uint32_t events = on->events();
    const bool has_input = (events & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool has_room = (events & (POLLOUT | POLLERR | POLLHUP)) != 0;
    // What makes no sense on this kind of file fails at once, and so is ready, too.
    switch (op.code) {
        case opcode::recv:
        case opcode::recvmsg:
            return has_input || !on->is_socket();
        case opcode::read:
            return has_input || on->kind == sim_kind::pipe_writer;
        case opcode::accept:
            return has_input || !on->listening;
        case opcode::send:
        case opcode::sendmsg:
        case opcode::sendfile:
            return has_room || !on->is_socket();
        case opcode::write:
            return has_room || on->kind == sim_kind::pipe_reader;
        case opcode::poll:
            return (events & (op.flags | POLLERR | POLLHUP)) != 0;
        case opcode::connect:
            try {
                return can_connect(*on, op);
            } catch (const std::bad_alloc&) {
                return true;  // the call itself will tell
            }
        default:
            return true;
    }
}

/// Only a TCP handshake waits: for room in the listener's queue.
bool sim_kernel::can_connect(const sim_file& from, const operation& op) {
    if (!from.is_tcp()) return true;
    const auto* const where = static_cast<const sockaddr*>(op.address);
    int error = 0;
    const file listener = bound_at(detail::make_address(where, op.length), sim_kind::stream, error);
    return listener == nullptr || !listener->is_queue_full();
}

sim_kernel::readiness sim_kernel::look(int fd) noexcept {
    const sim_file* const on = find(fd);
    if (on == nullptr) return {POLLNVAL, 0};
    return {on->events(), on->activity};
}

bool sim_kernel::may_split(const operation& op) noexcept {
    const sim_file* const on = find(op.fd);
    if (on == nullptr || on->kind == sim_kind::datagram) return false;
    return on->kind != sim_kind::pipe_writer || op.length > PIPE_BUF;
}

}  // namespace mayhem
