// How a host is asked for its health: a tiny HTTP/1.0 service, so that `curl` works too.
//
//     GET / HTTP/1.0              HTTP/1.0 200 OK
//                        ----->   Content-Type: application/json ...
//                                 {"host":"cattle-zpsk","boot_id":"...","pid":4711,"uptime_ms":81}
//
// It refuses to be a web server: one question, one answer, whatever the question is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "tasks/coro/coro.hpp"
#include "tasks/io/tcp.hpp"

namespace mandrill {

/// What a host says of itself.
struct health {
    std::string host;  ///< instance name
    std::string boot_id;
    pid_t pid = 0;
    std::int64_t uptime_ms = 0;
};

/// The whole answer, as it goes over the wire.
[[nodiscard]] std::string to_http_answer(const health& state);
/// nullopt when it is not a whole answer of a host.
[[nodiscard]] std::optional<health> parse_http_answer(std::string_view answer);

/// Asks the host that listens on `port` of 127.0.0.1. nullopt when nobody answers within `limit`,
/// or when what answers is no host. Cancellation closes the connection.
mayhem::coro<std::optional<health>> ask_health(std::uint16_t port, std::chrono::milliseconds limit);

/// Serves one connection: reads the first line of the question, at most 1 KiB and at most `limit`
/// long, and answers. Whatever the peer does, nothing is thrown but `cancelled`.
/// @returns true when the question was answered.
mayhem::coro<bool> answer_health(mayhem::tcp_stream peer, health state,
                                 std::chrono::milliseconds limit);

}  // namespace mandrill
