// A file descriptor with an owner. It knows nothing of loops: an owner whose descriptor was used
// for operations calls `event_loop::release` before it lets go (see backend.hpp, "descriptors").
#pragma once

#include <utility>

#include "loop/kernel.hpp"

namespace mayhem {

/// Owns a descriptor and closes it exactly once. Empty when it holds -1.
class unique_fd {
  public:
    unique_fd() noexcept = default;
    explicit unique_fd(int fd) noexcept : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

    /// Gives the descriptor up without closing it.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

    /// Closes what it holds and takes `fd`. close() is not retried on EINTR: on Linux the
    /// descriptor is gone by then, and a second close could hit somebody else's.
    void reset(int fd = -1) noexcept {
        const int old = std::exchange(fd_, fd);
        if (old >= 0) kernel::close(old);
    }

  private:
    int fd_ = -1;
};

}  // namespace mayhem
