// Sockets, pipes and bytes for tests, in one line each; of the simulated kernel where there is one.
#pragma once

#include <arpa/inet.h>
#include <cstddef>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include "loop/fd.hpp"
#include "loop/kernel.hpp"

namespace mayhem::test {

struct descriptor_pair {
    unique_fd first;   ///< of a pipe: the end to read from
    unique_fd second;  ///< of a pipe: the end to write to
};

/// Two connected unix sockets. `flags`: SOCK_NONBLOCK or 0.
inline descriptor_pair make_socket_pair(int flags = SOCK_NONBLOCK, int type = SOCK_STREAM) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(kernel::socketpair(AF_UNIX, type | flags | SOCK_CLOEXEC, 0, ends), 0);
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// `flags`: O_NONBLOCK or 0.
inline descriptor_pair make_pipe(int flags = O_NONBLOCK) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(kernel::pipe2(ends, flags | O_CLOEXEC), 0);
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

inline unique_fd make_tcp_socket(int flags = SOCK_NONBLOCK) {
    unique_fd socket(kernel::socket(AF_INET, SOCK_STREAM | flags | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(socket);
    return socket;
}

/// A TCP socket that listens on a free port of the loopback, and where that is.
struct tcp_listener_descriptor {
    unique_fd fd;
    sockaddr_in address{};

    [[nodiscard]] const sockaddr* where() const noexcept {
        return reinterpret_cast<const sockaddr*>(&address);
    }
    static constexpr socklen_t length = sizeof(sockaddr_in);
};

inline tcp_listener_descriptor make_tcp_listener(int flags = SOCK_NONBLOCK, int backlog = 128) {
    tcp_listener_descriptor made;
    made.fd = make_tcp_socket(flags);
    made.address.sin_family = AF_INET;
    made.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = tcp_listener_descriptor::length;
    EXPECT_EQ(kernel::bind(made.fd.get(), made.where(), length), 0);
    EXPECT_EQ(kernel::listen(made.fd.get(), backlog), 0);
    auto* const address = reinterpret_cast<sockaddr*>(&made.address);
    EXPECT_EQ(kernel::getsockname(made.fd.get(), address, &length), 0);
    return made;
}

/// A client that is connected at once: the kernel finishes the handshake without an accept.
inline unique_fd connect_to(const tcp_listener_descriptor& listener) {
    unique_fd socket = make_tcp_socket(0);
    EXPECT_EQ(kernel::connect(socket.get(), listener.where(), listener.length), 0);
    return socket;
}

/// Two ends of a connection over TCP; the first does not block.
inline descriptor_pair make_tcp_pair() {
    const auto listener = make_tcp_listener(0);
    unique_fd client = connect_to(listener);
    unique_fd server(
        kernel::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_TRUE(server);
    return {std::move(server), std::move(client)};
}

inline bool is_non_blocking(int fd) { return (kernel::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// A place for bytes that a test then reads as text.
template <std::size_t Size = 64>
class text_buffer {
  public:
    [[nodiscard]] std::span<std::byte> space() noexcept {
        return std::as_writable_bytes(std::span(text_));
    }
    /// The first `count` characters; nothing when `count` is an error.
    [[nodiscard]] std::string text(int count) const {
        return count <= 0 ? std::string() : std::string(text_, static_cast<std::size_t>(count));
    }

  private:
    char text_[Size] = {};
};

inline void write_text(int fd, std::string_view text) {
    EXPECT_EQ(kernel::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

}  // namespace mayhem::test
