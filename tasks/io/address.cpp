#include "tasks/io/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include "loop/error.hpp"
#include "loop/kernel.hpp"

namespace mayhem {
namespace {

static_assert(sizeof(sockaddr_in6) <= sizeof(sockaddr_un), "an address has room for each family");

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

template <typename Kernel>
Kernel read_as(const address& from) noexcept {
    Kernel made{};
    std::memcpy(&made, from.data(), std::min<std::size_t>(sizeof made, from.size()));
    return made;
}

template <typename Kernel>
address write_as(const Kernel& made) noexcept {
    return address::from(reinterpret_cast<const sockaddr*>(&made), sizeof made);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
    return port;
}

std::optional<address> numeric_ipv6(std::string host, std::uint16_t port) {
    sockaddr_in6 made{};
    if (const std::size_t percent = host.find('%'); percent != std::string::npos) {
        made.sin6_scope_id = ::if_nametoindex(host.c_str() + percent + 1);
        if (made.sin6_scope_id == 0) return std::nullopt;
        host.resize(percent);
    }
    made.sin6_family = AF_INET6;
    made.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.c_str(), &made.sin6_addr) != 1) return std::nullopt;
    return write_as(made);
}

}  // namespace

address address::from(const sockaddr* where, socklen_t length) noexcept {
    address made;
    made.length_ = std::min<socklen_t>(length, sizeof made.storage_);
    std::memcpy(&made.storage_, where, made.length_);
    return made;
}

address address::loopback(std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return write_as(made);
}

address address::unix_path(std::string_view path) {
    sockaddr_un made{};
    if (path.empty() || path.find('\0') != std::string_view::npos) {
        throw_errno(EINVAL, "the path of a unix socket is empty or has a zero byte in it");
    }
    if (path.size() >= sizeof made.sun_path) {
        throw_errno(ENAMETOOLONG, fmt::format("{}: the path of a unix socket has at most {} bytes",
                                              path, sizeof made.sun_path - 1));
    }
    made.sun_family = AF_UNIX;
    path.copy(made.sun_path, path.size());
    return from(reinterpret_cast<const sockaddr*>(&made),
                static_cast<socklen_t>(path_offset + path.size() + 1));
}

std::optional<address> address::numeric(std::string_view host, std::uint16_t port) {
    const std::string text(host);
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    if (::inet_pton(AF_INET, text.c_str(), &made.sin_addr) == 1) return write_as(made);
    return numeric_ipv6(text, port);
}

std::expected<address, std::string> address::parse(std::string_view text) {
    constexpr std::string_view unix_prefix = "unix:";
    if (text.starts_with(unix_prefix)) {
        try {
            return unix_path(text.substr(unix_prefix.size()));
        } catch (const std::system_error& error) {
            return std::unexpected(std::string(error.what()));
        }
    }
    const std::size_t colon = text.rfind(':');
    const auto port =
        colon == std::string_view::npos ? std::nullopt : parse_port(text.substr(colon + 1));
    if (!port) {
        return std::unexpected(fmt::format(
            "\"{}\" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH", text));
    }
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto found = numeric(host, *port);
    const bool ambiguous = found && found->family() == AF_INET6 && !bracketed;
    if (!found || ambiguous) {
        return std::unexpected(fmt::format(
            "\"{}\" is not a numeric address{}", host,
            ambiguous ? ": write an IPv6 address in brackets" : "; names need `resolve`"));
    }
    return *found;
}

std::uint16_t address::port() const noexcept {
    if (family() == AF_INET) return ntohs(read_as<sockaddr_in>(*this).sin_port);
    if (family() == AF_INET6) return ntohs(read_as<sockaddr_in6>(*this).sin6_port);
    return 0;
}

std::string address::host() const {
    char text[INET6_ADDRSTRLEN] = {};
    switch (family()) {
        case AF_INET: {
            const auto ip = read_as<sockaddr_in>(*this);
            return ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
        }
        case AF_INET6: {
            const auto ip = read_as<sockaddr_in6>(*this);
            std::string host = ::inet_ntop(AF_INET6, &ip.sin6_addr, text, sizeof text);
            char name[IF_NAMESIZE] = {};
            if (ip.sin6_scope_id != 0 && ::if_indextoname(ip.sin6_scope_id, name) != nullptr) {
                host += fmt::format("%{}", name);
            }
            return host;
        }
        case AF_UNIX: {
            // An unnamed socket (the connecting end) has no path; the kernel need not end one
            // that fills its field with a zero.
            const auto path = read_as<sockaddr_un>(*this);
            if (length_ <= path_offset) return {};
            return {path.sun_path, ::strnlen(path.sun_path, length_ - path_offset)};
        }
        default:
            return {};
    }
}

std::string address::to_string() const {
    switch (family()) {
        case AF_INET:
            return fmt::format("{}:{}", host(), port());
        case AF_INET6:
            return fmt::format("[{}]:{}", host(), port());
        case AF_UNIX:
            return "unix:" + host();
        default:
            return "(no address)";
    }
}

bool operator==(const address& left, const address& right) noexcept {
    return left.length_ == right.length_ &&
           std::memcmp(left.data(), right.data(), left.length_) == 0;
}

namespace detail {
namespace {

template <typename Ask>
std::optional<address> ask_kernel(Ask ask, int socket) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* const where = reinterpret_cast<sockaddr*>(&storage);
    if (ask(socket, where, &length) != 0) return std::nullopt;
    return address::from(where, length);
}

}  // namespace

std::optional<address> peer_of(int socket) noexcept {
    return ask_kernel(kernel::getpeername, socket);
}
std::optional<address> name_of(int socket) noexcept {
    return ask_kernel(kernel::getsockname, socket);
}

}  // namespace detail
}  // namespace mayhem
