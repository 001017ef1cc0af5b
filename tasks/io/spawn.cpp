#include "tasks/io/spawn.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "loop/check.hpp"
#include "loop/error.hpp"
#include "tasks/io/pidfd.hpp"

namespace mayhem::detail {
namespace {

constexpr int first_other_descriptor = STDERR_FILENO + 1;

void require(int error, const char* what) {
    if (error != 0) throw_errno(error, what);
}

class spawn_attributes {
  public:
    spawn_attributes() { require(::posix_spawnattr_init(&raw_), "posix_spawnattr_init"); }
    spawn_attributes(const spawn_attributes&) = delete;
    spawn_attributes& operator=(const spawn_attributes&) = delete;
    ~spawn_attributes() { ::posix_spawnattr_destroy(&raw_); }

    void reset_signals(bool new_process_group) {
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        require(::posix_spawnattr_setsigmask(&raw_, &none), "the child's signal mask");
        require(::posix_spawnattr_setsigdefault(&raw_, &all), "the child's signal actions");
        const int group = new_process_group ? POSIX_SPAWN_SETPGROUP : 0;
        const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group;
        require(::posix_spawnattr_setpgroup(&raw_, 0), "the child's process group");
        require(::posix_spawnattr_setflags(&raw_, static_cast<short>(flags)), "spawn flags");
    }

    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &raw_; }

  private:
    posix_spawnattr_t raw_;
};

/// What the child does between fork and exec.
class spawn_actions {
  public:
    spawn_actions() { require(::posix_spawn_file_actions_init(&raw_), "posix_spawn_file_actions"); }
    spawn_actions(const spawn_actions&) = delete;
    spawn_actions& operator=(const spawn_actions&) = delete;
    ~spawn_actions() { ::posix_spawn_file_actions_destroy(&raw_); }

    void open_null(int target) {
        const int flags = target == STDIN_FILENO ? O_RDONLY : O_WRONLY;
        require(::posix_spawn_file_actions_addopen(&raw_, target, "/dev/null", flags, 0),
                "the child's /dev/null");
    }

    /// Descriptors of ours are first copied out of the way of the three targets: a source that is
    /// 0, 1 or 2 itself could have been overwritten by the time its turn comes.
    void give(int source, int target) {
        unique_fd copy(::fcntl(source, F_DUPFD_CLOEXEC, first_other_descriptor));
        if (!copy) throw_errno(errno, "duplicate a descriptor for a child");
        require(::posix_spawn_file_actions_adddup2(&raw_, copy.get(), target),
                "the child's descriptors");
        copies_[static_cast<std::size_t>(target)] = std::move(copy);
    }

    void change_directory(const std::string& where) {
        if (where.empty()) return;
        require(::posix_spawn_file_actions_addchdir_np(&raw_, where.c_str()), "working directory");
    }

    /// Everything of this library is close-on-exec; this is for descriptors of other libraries.
    void close_the_rest() {
        require(::posix_spawn_file_actions_addclosefrom_np(&raw_, first_other_descriptor),
                "the child's descriptors");
    }

    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &raw_; }

  private:
    posix_spawn_file_actions_t raw_;
    std::array<unique_fd, 3> copies_;
};

/// @returns our end of the child's pipe; the child's end is in `actions`.
unique_fd open_pipe(spawn_actions& actions, int target) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno(errno, "pipe to a child");
    unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    const bool child_reads = target == STDIN_FILENO;
    actions.give(child_reads ? read_end.get() : write_end.get(), target);
    unique_fd ours = std::move(child_reads ? write_end : read_end);
    // Only our end: the two have a flag each, and programs expect to block on theirs.
    ::fcntl(ours.get(), F_SETFL, ::fcntl(ours.get(), F_GETFL) | O_NONBLOCK);
    return ours;
}

unique_fd set_up(spawn_actions& actions, const stdio& wanted, int target) {
    if (wanted.is_pipe()) return open_pipe(actions, target);
    if (wanted.is_null()) {
        actions.open_null(target);
    } else if (!wanted.is_inherited()) {
        actions.give(wanted.fd(), target);
    }
    return {};
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    // execve takes pointers to char that it does not write to.
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

spawned::~spawned() {
    if (pid < 0) return;
    // Nobody has waited for the child, so its number is still its own.
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0) {
        if (errno != EINTR) return;
    }
}

spawned spawn(const std::vector<std::string>& arguments, const process_options& options) {
    if (arguments.empty()) throw_errno(EINVAL, "spawn: no program was named");
    spawn_attributes attributes;
    attributes.reset_signals(options.new_process_group);

    spawned made;
    spawn_actions actions;
    made.pipes[0] = set_up(actions, options.standard_input, STDIN_FILENO);
    made.pipes[1] = set_up(actions, options.standard_output, STDOUT_FILENO);
    made.pipes[2] = set_up(actions, options.standard_error, STDERR_FILENO);
    actions.change_directory(options.working_directory);
    actions.close_the_rest();

    const std::vector<char*> argv = pointers_to(arguments);
    std::vector<char*> envp;
    if (options.environment) envp = pointers_to(*options.environment);
    const int error = ::posix_spawnp(&made.pid, argv[0], actions.get(), attributes.get(),
                                     argv.data(), envp.empty() ? environ : envp.data());
    if (error != 0) {
        made.pid = -1;  // POSIX leaves it open what a failed spawn writes there
        const std::string where = options.working_directory.empty()
                                      ? std::string()
                                      : fmt::format(" in {}", options.working_directory);
        throw_errno(error, fmt::format("cannot run {}{}", arguments[0], where));
    }
    made.pidfd = open_pidfd(made.pid);
    if (!made.pidfd) throw_errno(errno, fmt::format("pidfd_open of {}", arguments[0]));
    return made;
}

}  // namespace mayhem::detail
