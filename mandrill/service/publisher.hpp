// Where requests come from: chance, standard input, and other terminals.
//
// All three end in `intake::accept`, which checks a request and publishes it. A request that is
// malformed, or names a host that the fleet does not have, is refused with a message that says
// what is wrong; it is counted, and stops nothing.
#pragma once

#include <expected>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/service/handling.hpp"

namespace mandrill {

/// What became of a request: its id, and whether that id was known already.
struct receipt {
    std::string id;
    bool duplicate = false;
};

/// Checks and publishes requests.
class intake {
  public:
    /// @param id_seed decides the ids of requests that bring none.
    intake(workplace& at, std::uint64_t id_seed) : at_(at), ids_(id_seed) {}

    /// Publishes one request, given as a line of JSON: see parse_request. The error is a sentence
    /// for whoever wrote the line.
    mayhem::coro<std::expected<receipt, std::string>> accept(std::string line, origin source);

    /// Publishes a request for `host` that comes from this program itself.
    mayhem::coro<receipt> publish(std::string host, std::string reason, origin source);

    /// The hosts that may be named.
    [[nodiscard]] const std::vector<std::string>& hosts() const { return at_.hosts.hosts(); }

  private:
    [[nodiscard]] std::string new_id();

    workplace& at_;
    std::mt19937_64 ids_;
};

/// Asks for restarts of hosts in random order, `per_second` on average, until cancelled. Each host
/// comes once before any comes again.
mayhem::coro<void> publish_randomly(workplace& at, intake& requests, double per_second);

/// Reads requests from standard input, a line each, to its end. Many are in flight at once, so
/// that a commit carries many.
mayhem::coro<void> publish_standard_input(workplace& at, intake& requests);

}  // namespace mandrill
