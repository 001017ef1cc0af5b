#include "tasks/io/udp.hpp"

#include <cerrno>

#include "loop/kernel.hpp"
#include "tasks/io/byte_stream.hpp"

namespace mayhem {
namespace detail {

message_call::message_call(descriptor& on, std::span<std::byte> into)
    : io_awaiter(&on, io_use::read) {
    part_ = {.iov_base = into.data(), .iov_len = into.size()};
    header_.msg_name = &from_;
    header_.msg_namelen = sizeof from_;
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    prepare_recvmsg(on.get(), header_);
    check_thread();
}

message_call::message_call(descriptor& on, std::span<const std::byte> data,
                           const mayhem::address* to)
    : io_awaiter(&on, io_use::write) {
    // The kernel's structure has one pointer for both directions; it does not write to this one.
    part_ = {.iov_base = const_cast<std::byte*>(data.data()), .iov_len = data.size()};
    if (to != nullptr) {
        peer_ = *to;
        header_.msg_name = const_cast<sockaddr*>(peer_.data());
        header_.msg_namelen = peer_.size();
    }
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    prepare_sendmsg(on.get(), header_);
    check_thread();
}

datagram message_call::received(std::int32_t size) const noexcept {
    const auto* from = reinterpret_cast<const sockaddr*>(&from_);
    return {.size = static_cast<std::size_t>(size),
            .from = mayhem::address::from(from, header_.msg_namelen),
            .truncated = (header_.msg_flags & MSG_TRUNC) != 0};
}

}  // namespace detail

udp_socket::udp_socket(unique_fd socket)
    : state_(std::make_unique<detail::descriptor>(get_running_loop(), std::move(socket),
                                                  detail::io_kind::socket)) {}

detail::descriptor& udp_socket::state() const noexcept {
    MAYHEM_CHECK(state_ != nullptr, "a socket was used that is empty or was moved from");
    return *state_;
}

udp_socket udp_socket::bind(const address& where) {
    unique_fd socket = detail::make_socket(where.family(), SOCK_DGRAM);
    if (kernel::bind(socket.get(), where.data(), where.size()) != 0) {
        throw_errno(errno, "bind to " + where.to_string());
    }
    return udp_socket(std::move(socket));
}

udp_socket udp_socket::connect(const address& peer) {
    unique_fd socket = detail::make_socket(peer.family(), SOCK_DGRAM);
    // Only notes the peer; it neither sends nor waits.
    if (kernel::connect(socket.get(), peer.data(), peer.size()) != 0) {
        throw_errno(errno, "connect to " + peer.to_string());
    }
    return udp_socket(std::move(socket));
}

address udp_socket::local_address() const {
    const auto name = detail::name_of(state().get());
    if (!name) throw_errno(errno, "getsockname");
    return *name;
}

}  // namespace mayhem
