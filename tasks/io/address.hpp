// Where a socket is: an IPv4 or IPv6 address with a port, or the path of a unix socket.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace mayhem {

/// A value: copyable, comparable, no resolution behind it (that is `resolve`).
class address {
  public:
    /// No address at all; `family()` is AF_UNSPEC.
    address() noexcept = default;

    /// 127.0.0.1 and a port; 0 lets bind choose one.
    [[nodiscard]] static address loopback(std::uint16_t port);
    /// A unix socket's path. @throws std::system_error(ENAMETOOLONG) beyond 107 bytes, and EINVAL
    /// for an empty path or one with a zero byte in it.
    [[nodiscard]] static address unix_path(std::string_view path);
    /// A numeric host, "127.0.0.1" or "::1" (with %scope); nothing when it is a name.
    [[nodiscard]] static std::optional<address> numeric(std::string_view host, std::uint16_t port);
    /// "127.0.0.1:80", "[::1]:80" or "unix:/run/app.sock"; otherwise an explanation.
    [[nodiscard]] static std::expected<address, std::string> parse(std::string_view text);
    /// From the kernel's form.
    [[nodiscard]] static address from(const sockaddr* where, socklen_t length) noexcept;

    [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
    [[nodiscard]] bool is_ip() const noexcept {
        return family() == AF_INET || family() == AF_INET6;
    }
    /// The port; 0 for unix sockets.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// The host alone ("::1"), or the path of a unix socket (empty when it has none).
    [[nodiscard]] std::string host() const;
    /// What `parse` reads.
    [[nodiscard]] std::string to_string() const;

    /// The kernel's form; valid as long as this object.
    [[nodiscard]] const sockaddr* data() const noexcept { return &storage_.any; }
    [[nodiscard]] socklen_t size() const noexcept { return length_; }

    friend bool operator==(const address& left, const address& right) noexcept;

  private:
    // A unix path is the longest of them.
    union storage {
        sockaddr_un unix_socket;
        sockaddr any;
    };
    storage storage_{};
    socklen_t length_ = 0;
};

namespace detail {

/// The two ends of a socket; nothing when it has none or `socket` is not a socket.
[[nodiscard]] std::optional<address> peer_of(int socket) noexcept;
[[nodiscard]] std::optional<address> name_of(int socket) noexcept;

}  // namespace detail
}  // namespace mayhem
