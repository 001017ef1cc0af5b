// What Mandrill needs of a fleet, and nothing of how it is done: which hosts there are, which boot
// they are in, and a restart that is believed only when the host answers with a new boot id.
//
// Implementations are siblings: real processes (mandrill/fleet/), an instant fleet in memory
// (simulated.hpp), and a decorator that makes some restarts fail (failing.hpp).
//
// It refuses to decide whether a host may be restarted, to retry, and to remember anything: that
// is the business of the consumer and of the store.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/coro/coro.hpp"

namespace mandrill {

/// `cattle-zpsk.example.net`: how the log speaks of the instance `cattle-zpsk`.
[[nodiscard]] std::string host_name_of(std::string_view instance);

/// A restart did not come to a good end. The host is in its old boot, in a new one, or down.
class restart_failed : public std::runtime_error {
  public:
    /// "Could not restart cattle-zpsk.example.net: <why>"
    restart_failed(std::string_view host, std::string_view why);
};

/// A fleet of hosts. Everywhere, `host` is an instance name (`cattle-zpsk`).
///
/// Different hosts may be restarted at the same time; two restarts of one host take turns. Every
/// coroutine may be cancelled wherever it waits. A cancelled restart leaves the host in its old
/// boot, on its way to a new one, or known to be down, and a later restart works in every case.
class restarter {
  public:
    restarter() = default;
    restarter(const restarter&) = delete;
    restarter& operator=(const restarter&) = delete;
    virtual ~restarter() = default;

    /// Brings the fleet up, or takes over one that is still up. Returns when every host answers.
    /// Throws std::runtime_error naming the host that does not.
    virtual mayhem::coro<void> start() = 0;

    /// Brings the fleet down. REQUIRES: no restart or verify is under way. Harmless when repeated,
    /// or after a start that failed. Must be awaited before destruction if start() was.
    virtual mayhem::coro<void> stop() = 0;

    /// The instance names, sorted; fixed from construction on.
    [[nodiscard]] virtual const std::vector<std::string>& hosts() const = 0;

    [[nodiscard]] virtual bool knows(std::string_view host) const = 0;

    /// The boot id that the host answers now; nullopt when it does not answer in time. Throws
    /// std::invalid_argument for an unknown host, as do restart and verify.
    virtual mayhem::coro<std::optional<std::string>> boot_id(std::string host) = 0;

    /// Restarts the host on behalf of a request and waits until it answers with a new boot id,
    /// which is returned. Throws restart_failed.
    virtual mayhem::coro<std::string> restart(std::string host, std::string request_id) = 0;

    /// Waits, without touching the host, until it answers with a boot id other than `before`, which
    /// is returned. Throws restart_failed when it has not by the limit.
    virtual mayhem::coro<std::string> verify(std::string host, std::string before) = 0;
};

}  // namespace mandrill
