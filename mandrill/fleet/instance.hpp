// A running process of a host, as its owner holds it: one that the owner has started, or one that
// an earlier owner left behind. They differ in how one learns that they have booted, and in what
// their end tells.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <vector>

#include "mandrill/fleet/ledger.hpp"
#include "tasks/coro/coro.hpp"

namespace mandrill {

/// A host did not come up. The text says why, without naming the host.
class boot_failed : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class instance {
  public:
    instance() = default;
    instance(const instance&) = delete;
    instance& operator=(const instance&) = delete;
    virtual ~instance() = default;

    [[nodiscard]] virtual pid_t pid() const = 0;
    [[nodiscard]] virtual bool is_running() const = 0;
    /// Does nothing when it has ended.
    virtual void send_signal(int signal_number) = 0;

    /// Waits until it has booted, by its own word. Throws boot_failed when it ends instead.
    virtual mayhem::coro<boot_record> wait_for_boot() = 0;

    /// Waits for its end, and reaps what can be reaped. @returns how it ended, as one says it.
    virtual mayhem::coro<std::string> wait_for_end() = 0;
};

/// Starts `program` with `arguments`, in a process group of its own: Ctrl-C in a terminal is for
/// the service, not for its hosts. Errors that the host has no other way to tell are appended to
/// `error_log`. The process is killed when the object is destroyed.
/// Throws std::system_error when it cannot be started.
[[nodiscard]] std::unique_ptr<instance> spawn_instance(const std::filesystem::path& program,
                                                       const std::vector<std::string>& arguments,
                                                       const std::filesystem::path& error_log);

/// Takes over the process that runs as `host` now; null when there is none. It lives on when the
/// object is destroyed. Throws std::system_error.
[[nodiscard]] std::unique_ptr<instance> adopt_instance(const std::filesystem::path& ledger_file,
                                                       const std::string& host);

}  // namespace mandrill
