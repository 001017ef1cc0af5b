// A process that is not our child: found by its number, watched and signalled through a pidfd.
//
// It is what a service needs that finds the processes of its killed predecessor. Such a process
// has another parent (init), which reaps it: how it ended is not for us to know. It lives on when
// this object is destroyed, unlike the children of `process`.
#pragma once

#include <memory>
#include <optional>
#include <sys/types.h>

#include "tasks/coro/coro.hpp"
#include "tasks/io/descriptor.hpp"

namespace mayhem {

/// Move-only. Not destroyed, but may be moved, while somebody waits.
class foreign_process {
  public:
    /// The process that has the number `pid` now; nullopt when there is none. A number may be given
    /// to somebody else at any time, so ask afterwards whether this is the one that was meant: from
    /// then on it stays the same one. @throws std::system_error (EMFILE, EPERM)
    [[nodiscard]] static std::optional<foreign_process> open(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// False once it has ended, reaped or not.
    [[nodiscard]] bool is_running() const noexcept;

    /// Sends a signal. @returns false when the process has ended already.
    /// @throws std::system_error (EPERM, EINVAL)
    bool send_signal(int signal_number);  // NOLINT: it changes the process, if not this object

    /// Waits for the end; while it does, a virtual clock stands still. Any number of tasks may
    /// wait, also afterwards. Cancelling the wait leaves the process alone.
    coro<void> wait();

  private:
    foreign_process(pid_t pid, std::unique_ptr<detail::descriptor> pidfd) noexcept
        : pid_(pid), pidfd_(std::move(pidfd)) {}

    pid_t pid_;
    std::unique_ptr<detail::descriptor> pidfd_;
};

}  // namespace mayhem
