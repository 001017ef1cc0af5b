#include "tasks/io/process.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <sys/wait.h>
#include <utility>

#include "loop/check.hpp"
#include "loop/error.hpp"
#include "loop/operation.hpp"
#include "loop/signals.hpp"
#include "tasks/io/external_work.hpp"
#include "tasks/io/pidfd.hpp"

namespace mayhem {

std::string exit_status::to_string() const {
    return signal_ != 0 ? signal_name(signal_) : fmt::format("exit code {}", code_);
}

namespace detail {

/// The watch over one child: a poll of its pidfd, in flight from its start to its end. The loop's
/// reference (`self_`) keeps it alive for that long, whatever becomes of the `process`.
class process_state final : public operation {
  public:
    process_state(event_loop& loop, pid_t pid, unique_fd pidfd, bool leads_group)
        : loop_(loop),
          at_work_(std::in_place, loop),
          home_(loop.remote()),
          pid_(pid),
          pidfd_(std::move(pidfd)),
          leads_group_(leads_group) {}
    process_state(const process_state&) = delete;
    process_state& operator=(const process_state&) = delete;

    /// A child that outlived its loop ends here.
    ~process_state() {
        if (is_running()) {
            kill_it();
            reap(0);
        }
        if (!home_->is_closed()) loop_.release(pidfd_.get());
    }

    static std::shared_ptr<process_state> start(event_loop& loop, spawned& child,
                                                bool leads_group) {
        auto made =
            std::make_shared<process_state>(loop, child.pid, std::move(child.pidfd), leads_group);
        child.pid = -1;  // ours from now on
        made->self_ = made;
        made->watch();
        return made;
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool is_running() const noexcept { return !status_ && error_ == 0; }
    [[nodiscard]] const std::optional<exit_status>& status() const noexcept { return status_; }
    [[nodiscard]] int error() const noexcept { return error_; }
    [[nodiscard]] wait_queue& waiting() noexcept { return waiting_; }

    /// @returns 0, or an errno.
    int send(int signal_number) noexcept { return signal_pidfd(pidfd_.get(), signal_number); }

    /// SIGKILL, to its group as well. The group's number is still its own: it is not reaped.
    void kill_it() noexcept {
        if (leads_group_) ::kill(-pid_, SIGKILL);
        static_cast<void>(send(SIGKILL));  // fails only when it is dead
    }

    void run() noexcept override {
        const std::shared_ptr<process_state> keep = std::move(self_);
        reap(WNOHANG);
        if (is_running()) {  // readable, and yet not ended: cannot be, but must not be fatal
            self_ = keep;
            return watch();
        }
        at_work_.reset();
        waiting_.wake_all();
    }

    /// The loop closes. Whoever owns the `process` still has a reference; without one, this is the
    /// end of the child.
    void discard() noexcept override {
        at_work_.reset();
        const std::shared_ptr<process_state> keep = std::move(self_);
    }

  private:
    void watch() noexcept {
        prepare_poll(pidfd_.get(), POLLIN);
        loop_.submit(*this);
    }

    void reap(int wait_flags) noexcept {
        siginfo_t info{};
        const auto id = static_cast<id_t>(pidfd_.get());
        int failed = 0;
        do {
            failed = ::waitid(P_PIDFD, id, &info, WEXITED | wait_flags);
        } while (failed != 0 && errno == EINTR);
        if (failed != 0) {
            error_ = errno;
        } else if (info.si_pid != 0) {
            status_ = info.si_code == CLD_EXITED ? exit_status::exited(info.si_status)
                                                 : exit_status::killed(info.si_status);
        }
    }

    event_loop& loop_;                      // not to be touched once `home_` is closed
    std::optional<external_work> at_work_;  // until the poll has ended: the loop lives as long
    std::shared_ptr<inbox> home_;           // knows whether the loop is still there
    pid_t pid_;
    unique_fd pidfd_;
    bool leads_group_;
    std::optional<exit_status> status_;
    int error_ = 0;  // errno of waitid: somebody else reaped the child
    wait_queue waiting_;
    std::shared_ptr<process_state> self_;
};

bool exit_wait::await_ready() const noexcept { return !child_->is_running(); }

wait_queue& exit_wait::line() noexcept { return child_->waiting(); }

exit_status exit_wait::await_resume() {
    if (was_cancelled()) throw_if_cancelled(true);
    if (child_->error() != 0) {
        throw_errno(child_->error(),
                    fmt::format("wait for process {}: somebody else has reaped it (is SIGCHLD "
                                "ignored in this process?)",
                                child_->pid()));
    }
    return *child_->status();
}

std::string exit_wait::describe() const { return fmt::format("exit of process {}", child_->pid()); }

}  // namespace detail

process process::spawn(const std::vector<std::string>& arguments, const process_options& options) {
    event_loop& loop = get_running_loop();
    detail::spawned child = detail::spawn(arguments, options);
    process made;
    made.state_ = detail::process_state::start(loop, child, options.new_process_group);
    if (child.pipes[0]) made.input_ = pipe_writer(loop, std::move(child.pipes[0]));
    if (child.pipes[1]) made.output_ = pipe_reader(loop, std::move(child.pipes[1]));
    if (child.pipes[2]) made.error_ = pipe_reader(loop, std::move(child.pipes[2]));
    return made;
}

process& process::operator=(process&& other) noexcept {
    if (this == &other) return *this;
    abandon();
    state_ = std::move(other.state_);
    input_ = std::move(other.input_);
    output_ = std::move(other.output_);
    error_ = std::move(other.error_);
    return *this;
}

process::~process() { abandon(); }

void process::abandon() noexcept {
    if (is_running()) state_->kill_it();
    state_.reset();
}

pid_t process::pid() const noexcept { return state_ ? state_->pid() : -1; }

bool process::is_running() const noexcept { return state_ && state_->is_running(); }

std::optional<exit_status> process::status() const noexcept {
    return state_ ? state_->status() : std::nullopt;
}

bool process::send_signal(int signal_number) {
    MAYHEM_CHECK(state_ != nullptr, "a process was used that is empty or was moved from");
    if (!state_->is_running()) return false;
    const int error = state_->send(signal_number);
    if (error == ESRCH) return false;
    if (error != 0) {
        throw_errno(error, fmt::format("send {} to process {}", signal_name(signal_number), pid()));
    }
    return true;
}

}  // namespace mayhem
