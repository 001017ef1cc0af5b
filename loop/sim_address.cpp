#include "loop/sim_address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace mayhem::detail {

namespace {

template <typename Kernel>
Kernel read_as(const sim_address& from) noexcept {
    Kernel made{};
    std::memcpy(&made, from.data(), std::min(sizeof made, from.size()));
    return made;
}

template <typename Kernel>
sim_address write_as(const Kernel& made) {
    return {reinterpret_cast<const char*>(&made), sizeof made};
}

}  // namespace

sim_address make_address(const sockaddr* where, socklen_t length) {
    return {reinterpret_cast<const char*>(where), length};
}

int family_of(const sim_address& where) noexcept {
    if (where.size() < sizeof(sa_family_t)) return AF_UNSPEC;
    sa_family_t family = AF_UNSPEC;
    std::memcpy(&family, where.data(), sizeof family);
    return family;
}

std::uint16_t port_of(const sim_address& where) noexcept {
    // The port is at the same place in both families.
    return ntohs(read_as<sockaddr_in>(where).sin_port);
}

void set_port(sim_address& where, std::uint16_t port) noexcept {
    const in_port_t wire = htons(port);
    std::memcpy(where.data() + offsetof(sockaddr_in, sin_port), &wire, sizeof wire);
}

sim_address loopback_address(int family, std::uint16_t port) {
    if (family == AF_INET6) {
        sockaddr_in6 made{};
        made.sin6_family = AF_INET6;
        made.sin6_port = htons(port);
        made.sin6_addr = in6addr_loopback;
        return write_as(made);
    }
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return write_as(made);
}

bool is_any(const sim_address& where) noexcept {
    if (family_of(where) == AF_INET) {
        return read_as<sockaddr_in>(where).sin_addr.s_addr == htonl(INADDR_ANY);
    }
    const auto ip = read_as<sockaddr_in6>(where).sin6_addr;
    return std::memcmp(&ip, &in6addr_any, sizeof ip) == 0;
}

bool is_local(const sim_address& where) noexcept {
    if (is_any(where)) return true;
    if (family_of(where) == AF_INET) {
        return ntohl(read_as<sockaddr_in>(where).sin_addr.s_addr) >> 24U == IN_LOOPBACKNET;
    }
    const auto ip = read_as<sockaddr_in6>(where).sin6_addr;
    return std::memcmp(&ip, &in6addr_loopback, sizeof ip) == 0;
}

bool overlap(const sim_address& left, const sim_address& right) noexcept {
    if (family_of(left) != family_of(right) || port_of(left) != port_of(right)) return false;
    if (is_any(left) || is_any(right)) return true;
    if (family_of(left) == AF_INET) {
        return read_as<sockaddr_in>(left).sin_addr.s_addr ==
               read_as<sockaddr_in>(right).sin_addr.s_addr;
    }
    return true;  // the only other address is ::1
}

std::string path_of(const sim_address& where) {
    const std::size_t offset = offsetof(sockaddr_un, sun_path);
    if (where.size() <= offset || where[offset] == '\0') return {};
    return {where.data() + offset, ::strnlen(where.data() + offset, where.size() - offset)};
}

std::optional<std::pair<dev_t, ino_t>> socket_file(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    if (!S_ISSOCK(status.st_mode)) {
        errno = ECONNREFUSED;
        return std::nullopt;
    }
    return std::pair{status.st_dev, status.st_ino};
}

void copy_address(const sim_address& from, int family, sockaddr* where,
                  socklen_t* length) noexcept {
    // A unix socket without a name has its family for one.
    const auto bare = static_cast<sa_family_t>(family);
    const char* const bytes = from.empty() ? reinterpret_cast<const char*>(&bare) : from.data();
    const std::size_t size = from.empty() ? sizeof bare : from.size();
    std::memcpy(where, bytes, std::min<std::size_t>(*length, size));
    *length = static_cast<socklen_t>(size);
}

}  // namespace mayhem::detail
