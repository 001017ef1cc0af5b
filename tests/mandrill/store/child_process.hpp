// A forked child that does something to a database and dies, by itself or by SIGKILL.
//
// The child reports its progress as bytes on a pipe, so that the parent can kill it "after n steps"
// without a clock: the kill then lands wherever the child has got to by that time.
#pragma once

#include <array>
#include <cerrno>
#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace mandrill::test {

class child_process {
  public:
    /// What the child calls after each step.
    using report = std::function<void()>;

    explicit child_process(const std::function<void(const report&)>& work) {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category());
        pid_ = ::fork();
        if (pid_ < 0) throw std::system_error(errno, std::generic_category());
        if (pid_ == 0) {
            ::close(ends[0]);
            ::_exit(run(work, ends[1]));
        }
        ::close(ends[1]);
        progress_ = ends[0];
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        ::close(progress_);
    }

    /// Waits until the child has reported `steps` more steps; false if it ended before.
    bool wait_for_steps(int steps) {
        for (char byte = 0; steps > 0; --steps) {
            if (::read(progress_, &byte, 1) != 1) return false;
        }
        return true;
    }
    void kill() { ::kill(pid_, SIGKILL); }

    /// The wait status; 0 is a clean end, and `killed(status)` tells a SIGKILL.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return status;
    }
    static bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

  private:
    static int run(const std::function<void(const report&)>& work, int progress) {
        try {
            work([progress] {
                // The parent may be gone or not listening any more: that must not end the work.
                (void)!::write(progress, ".", 1);
            });
            return 0;
        } catch (const std::exception& error) {
            ::fprintf(stderr, "child: %s\n", error.what());
            return 2;
        }
    }

    pid_t pid_ = -1;
    int progress_ = -1;
};

}  // namespace mandrill::test
