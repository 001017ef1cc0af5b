// A request as strangers write it: one line of JSON,
// `{"host":"cattle-zpsk","reason":"...","owner":"...","id":"..."}`, of which all but `host` may be
// left out. It is apart from who publishes, because bytes from outside deserve tests of their own.
#pragma once

#include <expected>
#include <string>

#include "mandrill/restart/restarter.hpp"
#include "mandrill/store/message.hpp"

namespace mandrill {

/// The request that a line asks for; its id is empty when the line has none. The error is one line
/// for whoever wrote it, and for the log: it is no JSON, has unknown members, or names no host of
/// `fleet`.
[[nodiscard]] std::expected<request, std::string> parse_request(const std::string& line,
                                                                origin source,
                                                                const restarter& fleet);

}  // namespace mandrill
