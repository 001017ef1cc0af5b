// How a child process is started: what it gets of ours, and what it must not get.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "loop/fd.hpp"

namespace mayhem {

/// What a child gets for one of its standard descriptors.
class stdio {
  public:
    /// Ours.
    static stdio inherit() noexcept { return stdio(kind::inherit); }
    /// /dev/null: nothing to read, and what is written is dropped.
    static stdio null() noexcept { return stdio(kind::null); }
    /// A new pipe, whose other end the `process` has.
    static stdio pipe() noexcept { return stdio(kind::pipe); }
    /// A descriptor of ours (a log file, a socket). It is duplicated; ours stays open.
    static stdio descriptor(int fd) noexcept { return stdio(kind::descriptor, fd); }

    [[nodiscard]] bool is_inherited() const noexcept { return kind_ == kind::inherit; }
    [[nodiscard]] bool is_null() const noexcept { return kind_ == kind::null; }
    [[nodiscard]] bool is_pipe() const noexcept { return kind_ == kind::pipe; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

  private:
    enum class kind : std::uint8_t { inherit, null, pipe, descriptor };
    explicit stdio(kind what, int fd = -1) noexcept : kind_(what), fd_(fd) {}

    kind kind_;
    int fd_;
};

struct process_options {
    // Not an aggregate: g++ 12 destroys a temporary one twice inside a co_await expression.
    process_options() {}

    stdio standard_input = stdio::inherit();
    stdio standard_output = stdio::inherit();
    stdio standard_error = stdio::inherit();
    /// "NAME=value", the whole environment; unset: ours.
    std::optional<std::vector<std::string>> environment;
    /// Where the child starts; empty: where we are.
    std::string working_directory;
    /// The child leads a group of its own: Ctrl-C in our terminal does not reach it, and when the
    /// `process` is destroyed, what the child started is killed with it.
    bool new_process_group = false;
};

namespace detail {

/// A child that runs, and our ends of its pipes (empty where none was asked for). A child that
/// nobody has taken charge of is killed and reaped.
struct spawned {
    spawned() noexcept = default;
    spawned(spawned&& other) noexcept
        : pid(std::exchange(other.pid, -1)),
          pidfd(std::move(other.pidfd)),
          pipes(std::move(other.pipes)) {}
    spawned& operator=(spawned&&) = delete;
    ~spawned();

    pid_t pid = -1;
    unique_fd pidfd;
    std::array<unique_fd, 3> pipes;
};

/// Starts `arguments[0]`, found along PATH. The child gets its three standard descriptors and no
/// others, an empty signal mask and default dispositions (the loop blocks what it watches, and
/// ignores SIGPIPE; a child that inherited that could not be interrupted).
/// @throws std::system_error that names the program (ENOENT, EACCES)
[[nodiscard]] spawned spawn(const std::vector<std::string>& arguments,
                            const process_options& options);

}  // namespace detail
}  // namespace mayhem
