#include "tasks/io/tcp.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "tasks/io/resolve.hpp"

namespace mayhem {

tcp_stream::tcp_stream(event_loop& loop, unique_fd connected)
    : socket_stream(loop, std::move(connected)) {
    set_no_delay(true);
}

void tcp_stream::set_no_delay(bool enabled) {
    set_option(IPPROTO_TCP, TCP_NODELAY, enabled ? 1 : 0);
}

coro<std::expected<tcp_stream, std::error_code>> tcp_stream::try_connect(address peer) {
    tcp_stream stream(get_running_loop(), detail::make_socket(peer.family(), SOCK_STREAM));
    const auto connected = co_await detail::connect_socket(stream.state(), peer);
    if (!connected) co_return std::unexpected(connected.error());
    co_return std::move(stream);
}

coro<tcp_stream> tcp_stream::connect(address peer) {
    auto stream = co_await try_connect(peer);
    if (!stream) throw std::system_error(stream.error(), "connect to " + peer.to_string());
    co_return std::move(*stream);
}

coro<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port) {
    const std::vector<address> candidates = co_await resolve(host, port);
    std::error_code last;
    std::string tried;
    for (const address& candidate : candidates) {
        auto stream = co_await try_connect(candidate);
        if (stream) co_return std::move(*stream);
        last = stream.error();
        tried += fmt::format("{}{} ({})", tried.empty() ? "" : ", ", candidate.to_string(),
                             last.message());
    }
    throw std::system_error(last, fmt::format("connect to {}:{}, tried {}", host, port, tried));
}

tcp_listener::tcp_listener(unique_fd listening)
    : state_(new detail::acceptor(get_running_loop(), std::move(listening))) {}

tcp_listener& tcp_listener::operator=(tcp_listener&& other) noexcept {
    detail::acceptor::abandon(std::exchange(state_, std::move(other.state_)));
    return *this;
}

tcp_listener::~tcp_listener() { detail::acceptor::abandon(std::move(state_)); }

detail::acceptor& tcp_listener::state() const noexcept {
    MAYHEM_CHECK(state_ != nullptr, "a listener was used that is empty or was moved from");
    return *state_;
}

tcp_listener tcp_listener::bind(const address& where, const listen_options& options) {
    return tcp_listener(detail::listen_at(where, options.backlog, options.share_port));
}

coro<tcp_listener> tcp_listener::bind(std::string host, std::uint16_t port,
                                      listen_options options) {
    const std::vector<address> candidates = co_await resolve(std::move(host), port);
    for (const address& candidate : candidates) {
        const bool last = &candidate == &candidates.back();
        try {
            co_return bind(candidate, options);
        } catch (const std::system_error&) {
            if (last) throw;
        }
    }
    throw_errno(EADDRNOTAVAIL, "bind: the host has no address");
}

address tcp_listener::local_address() const {
    const auto name = detail::name_of(state().get());
    if (!name) throw_errno(errno, "getsockname");
    return *name;
}

}  // namespace mayhem
