// What the simulated kernel has to know of socket addresses: ports, wildcards, inodes.
#pragma once

#include <cstdint>
#include <optional>
#include <sys/socket.h>
#include <sys/types.h>
#include <utility>

#include "loop/sim_file.hpp"

namespace mayhem::detail {

[[nodiscard]] sim_address make_address(const sockaddr* where, socklen_t length);
[[nodiscard]] int family_of(const sim_address& where) noexcept;

[[nodiscard]] std::uint16_t port_of(const sim_address& where) noexcept;
void set_port(sim_address& where, std::uint16_t port) noexcept;
/// 127.0.0.1 or ::1 with `port`.
[[nodiscard]] sim_address loopback_address(int family, std::uint16_t port);
/// 0.0.0.0 or ::
[[nodiscard]] bool is_any(const sim_address& where) noexcept;
/// An address of the simulated machine itself, or the wildcard.
[[nodiscard]] bool is_local(const sim_address& where) noexcept;
/// True when both have the port, and the address or one of the wildcards.
[[nodiscard]] bool overlap(const sim_address& left, const sim_address& right) noexcept;

/// The path of a unix socket, null-terminated; empty for an abstract name.
[[nodiscard]] std::string path_of(const sim_address& where);
/// The file behind a path; nothing when there is none, or none of type socket.
[[nodiscard]] std::optional<std::pair<dev_t, ino_t>> socket_file(const std::string& path);

/// Copies an address out as getsockname does: cut to `*length`, which becomes the true length.
void copy_address(const sim_address& from, int family, sockaddr* where, socklen_t* length) noexcept;

}  // namespace mayhem::detail
