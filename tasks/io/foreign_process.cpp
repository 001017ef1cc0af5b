#include "tasks/io/foreign_process.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <poll.h>

#include "loop/error.hpp"
#include "loop/signals.hpp"
#include "tasks/io/external_work.hpp"
#include "tasks/io/io_awaiter.hpp"
#include "tasks/io/pidfd.hpp"

namespace mayhem {

std::optional<foreign_process> foreign_process::open(pid_t pid) {
    unique_fd pidfd = detail::open_pidfd(pid);
    if (!pidfd && errno == ESRCH) return std::nullopt;
    if (!pidfd) throw_errno(errno, fmt::format("pidfd_open of process {}", pid));
    auto watched = std::make_unique<detail::descriptor>(get_running_loop(), std::move(pidfd),
                                                        detail::io_kind::stream);
    return foreign_process(pid, std::move(watched));
}

bool foreign_process::is_running() const noexcept {
    pollfd ask{.fd = pidfd_->get(), .events = POLLIN, .revents = 0};
    return ::poll(&ask, 1, 0) == 0;
}

bool foreign_process::send_signal(int signal_number) {
    if (!is_running()) return false;  // the kernel would accept it for a process not yet reaped
    const int error = detail::signal_pidfd(pidfd_->get(), signal_number);
    if (error == 0) return true;
    if (error == ESRCH) return false;
    throw_errno(error, fmt::format("send {} to process {}", signal_name(signal_number), pid_));
}

coro<void> foreign_process::wait() {
    const detail::external_work busy(get_running_loop());
    // A pidfd becomes readable when its process ends, and stays so.
    const auto prepare = [this](operation& op) { op.prepare_poll(pidfd_->get(), POLLIN); };
    detail::io_call<std::size_t> ended(pidfd_.get(), detail::io_use::other, prepare);
    co_await ended;
}

}  // namespace mayhem
