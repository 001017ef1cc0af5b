// Requests from other terminals: a unix socket in the state directory, one line of JSON each way.
//
//     -> {"host":"cattle-zpsk","reason":"disk replaced"}
//     <- {"id":"0b6c...","duplicate":false}            or   <- {"error":"unknown host ..."}
//     -> {"list":"hosts"}
//     <- {"hosts":["cattle-0x1f","cattle-zpsk"]}
//
// Whoever may restart hosts is decided by the kernel: the peer must have this process's user id,
// or be root. The socket's file is private to its user as well.
#pragma once

#include <filesystem>
#include <string_view>

#include "mandrill/service/publisher.hpp"

namespace mandrill {

/// The line that asks for the fleet's hosts.
inline constexpr std::string_view list_hosts_question = R"({"list":"hosts"})";

/// Serves until cancelled. Throws std::system_error when the socket cannot be made (the path is
/// too long, another service answers there).
mayhem::coro<void> serve_requests(intake& requests, std::filesystem::path socket);

}  // namespace mandrill
