// Child processes. asyncio's create_subprocess_exec, on pidfds instead of SIGCHLD.
//
// A pidfd is a descriptor for one process, not for a number: it becomes readable when that process
// ends, and a signal sent through it can never hit a stranger that got the number later.
//
// A child is reaped as soon as it ends, whether anybody waits for it or not, and it does not
// outlive its `process` object: there are neither zombies nor orphans.
#pragma once

#include <csignal>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "tasks/coro/wait_queue.hpp"
#include "tasks/io/pipe.hpp"
#include "tasks/io/spawn.hpp"

namespace mayhem {

/// How a process ended.
class exit_status {
  public:
    static exit_status exited(int code) noexcept { return {code, 0}; }
    static exit_status killed(int signal_number) noexcept { return {-1, signal_number}; }

    /// True for exit code 0.
    [[nodiscard]] bool success() const noexcept { return code_ == 0; }
    /// What it passed to exit; nothing when a signal ended it.
    [[nodiscard]] std::optional<int> code() const noexcept {
        return signal_ == 0 ? std::optional(code_) : std::nullopt;
    }
    /// The signal that ended it, if one did.
    [[nodiscard]] std::optional<int> signal() const noexcept {
        return signal_ != 0 ? std::optional(signal_) : std::nullopt;
    }
    /// The code, or minus the signal's number: asyncio's returncode.
    [[nodiscard]] int returncode() const noexcept { return signal_ != 0 ? -signal_ : code_; }
    /// "exit code 3" or "SIGKILL".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const exit_status&, const exit_status&) noexcept = default;

  private:
    exit_status(int code, int signal) noexcept : code_(code), signal_(signal) {}
    int code_;
    int signal_;
};

namespace detail {

class process_state;

/// `co_await child.wait()`.
class exit_wait final : public parked {
  public:
    explicit exit_wait(std::shared_ptr<process_state> child) noexcept : child_(std::move(child)) {}

    bool await_ready() const noexcept;
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, line());
    }
    exit_status await_resume();
    [[nodiscard]] std::string describe() const override;

  private:
    wait_queue& line() noexcept;
    std::shared_ptr<process_state> child_;
};

}  // namespace detail

/// A child process. Move-only.
class process {
  public:
    /// No process, to be assigned to.
    process() noexcept = default;
    process(process&&) noexcept = default;
    process& operator=(process&& other) noexcept;
    /// A child that still runs is killed (SIGKILL, with its group if it has its own) and reaped: at
    /// once where the loop runs on, by blocking where the loop is gone.
    ~process();

    /// Starts `arguments[0]`, found along PATH, on the running loop. Blocks for the moment until
    /// the program is loaded. While it runs, a virtual clock stands still.
    /// @throws std::system_error that names the program (ENOENT, EACCES)
    static process spawn(const std::vector<std::string>& arguments,
                         const process_options& options = {});

    [[nodiscard]] pid_t pid() const noexcept;
    /// False once it has ended and was reaped (which happens by itself).
    [[nodiscard]] bool is_running() const noexcept;
    /// How it ended; nothing while it runs.
    [[nodiscard]] std::optional<exit_status> status() const noexcept;

    /// Waits for the end. Any number of tasks may wait, also afterwards. Cancelling the wait leaves
    /// the process alone. @throws std::system_error(ECHILD) when somebody else reaped it
    [[nodiscard]] detail::exit_wait wait() const { return detail::exit_wait(state_); }

    /// Sends a signal. @returns false when the process has ended already.
    /// @throws std::system_error (EPERM, EINVAL)
    bool send_signal(int signal_number);  // NOLINT: it changes the child, if not this object
    /// Asks it to end (SIGTERM) / ends it (SIGKILL).
    bool terminate() { return send_signal(SIGTERM); }
    bool kill() { return send_signal(SIGKILL); }

    /// Our ends of the pipes that were asked for. Close standard_input for the child to read to its
    /// end. REQUIRES: `stdio::pipe()` was given for it.
    [[nodiscard]] pipe_writer& standard_input() noexcept { return input_; }
    [[nodiscard]] pipe_reader& standard_output() noexcept { return output_; }
    [[nodiscard]] pipe_reader& standard_error() noexcept { return error_; }

    explicit operator bool() const noexcept { return static_cast<bool>(state_); }

  private:
    void abandon() noexcept;

    std::shared_ptr<detail::process_state> state_;
    pipe_writer input_;
    pipe_reader output_;
    pipe_reader error_;
};

}  // namespace mayhem
