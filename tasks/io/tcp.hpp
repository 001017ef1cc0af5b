// TCP: connections, and the sockets that listen for them. asyncio's open_connection and
// start_server, without a server object: accepting is a loop that the user writes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <system_error>

#include "tasks/io/acceptor.hpp"
#include "tasks/io/address.hpp"
#include "tasks/io/byte_stream.hpp"

namespace mayhem {

/// A TCP connection. Nagle's delay is off (TCP_NODELAY): small writes leave at once.
class tcp_stream final : public socket_stream {
  public:
    tcp_stream() noexcept = default;
    /// Takes a connected socket over. @throws std::system_error
    tcp_stream(event_loop& loop, unique_fd connected);

    /// Connects to one address. @throws std::system_error that names it. Cancelled, the attempt
    /// ends and the socket is closed.
    static coro<tcp_stream> connect(address peer);
    static coro<std::expected<tcp_stream, std::error_code>> try_connect(address peer);

    /// Resolves `host` and tries each of its addresses in turn. @throws std::system_error: of the
    /// resolution, or the last address's refusal, with all of them in the text.
    static coro<tcp_stream> connect(std::string host, std::uint16_t port);

    /// Nagle's algorithm off (the default) or on.
    void set_no_delay(bool enabled);
};

/// How a listener is opened.
struct listen_options {
    listen_options() noexcept {}

    int backlog = 1024;       ///< what the kernel holds back; it cuts it to net.core.somaxconn
    bool share_port = false;  ///< SO_REUSEPORT: several listeners share the connections
};

/// Waits for TCP connections. Move-only. SO_REUSEADDR is set.
class tcp_listener {
  public:
    tcp_listener() noexcept = default;
    tcp_listener(tcp_listener&&) noexcept = default;
    tcp_listener& operator=(tcp_listener&& other) noexcept;
    /// Closes at once: from now on connecting is refused.
    ~tcp_listener();

    /// Listens at `where`; port 0 lets the kernel choose. @throws std::system_error that names the
    /// address (EADDRINUSE, EACCES)
    static tcp_listener bind(const address& where, const listen_options& options = {});
    /// The same with a host's name: at the first of its addresses that can be had.
    static coro<tcp_listener> bind(std::string host, std::uint16_t port,
                                   listen_options options = {});

    /// The next connection, as a tcp_stream. Several tasks may wait; the first is served first. A
    /// connection that arrives while the task is cancelled is delivered, or kept for the next
    /// accept. When descriptors or memory run out, it logs once, and goes on when they are back.
    /// Throws std::system_error: ECANCELED when the listener is closed meanwhile.
    [[nodiscard]] auto accept() { return detail::accept_call<tcp_stream, true>(state()); }
    [[nodiscard]] auto try_accept() { return detail::accept_call<tcp_stream, false>(state()); }

    /// Where it listens, with the port that was chosen.
    [[nodiscard]] address local_address() const;

    /// Closes, and waits until the kernel has let go. What was accepted for nobody is closed.
    coro<void> close() { return state().close(); }
    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->is_open(); }

  private:
    explicit tcp_listener(unique_fd listening);
    [[nodiscard]] detail::acceptor& state() const noexcept;

    std::unique_ptr<detail::acceptor> state_;
};

}  // namespace mayhem
