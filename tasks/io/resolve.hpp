// Names to addresses. getaddrinfo blocks, so it runs in the executor; numeric hosts do not need it.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "tasks/coro/coro.hpp"
#include "tasks/io/address.hpp"

namespace mayhem {

/// The addresses of `host` for stream sockets, in the order in which they should be tried; at least
/// one. loop.getaddrinfo. An empty host means the loopback.
/// @throws std::system_error with resolve_category ("Name or service not known"). Cancellation ends
/// the wait; the look-up itself goes on in its thread, for nobody.
coro<std::vector<address>> resolve(std::string host, std::uint16_t port);

/// The errors of getaddrinfo (EAI_NONAME ...).
[[nodiscard]] const std::error_category& resolve_category() noexcept;

}  // namespace mayhem
