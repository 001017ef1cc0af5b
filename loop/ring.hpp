// An io_uring instance with an owner: made with the best flags that the kernel knows, checked for
// the opcodes that we need, unmapped at the end.
//
// The ladder. Each newer flag makes the ring cheaper, none changes what it does, and an old kernel
// answers EINVAL to a flag that it does not know. So `create` starts with all of them and goes down
// rung by rung; kernel versions are never compared, because distributions carry features back.
//
//   deferred     completions are worked out inside our own io_uring_enter, in batches   (best)
//   cooperative  at our next system call, without interrupting the thread
//   plain        whenever they arrive
//
// What it refuses: a ring that lacks one of the opcodes (see ring.cpp). epoll serves such a kernel
// better than a second set of workarounds would.
#pragma once

#include <cstdint>
#include <expected>
#include <liburing.h>
#include <system_error>

namespace mayhem::detail {

enum class ring_mode : std::uint8_t { deferred, cooperative, plain };

struct ring_options {
    /// How many submissions fit before the kernel must be entered. A tick with more costs one more
    /// system call per that many.
    unsigned submission_entries = 256;
    /// How many completions fit before the kernel keeps them aside (it drops none).
    unsigned completion_entries = 4096;
    /// The rung to start from; tests use it to walk over the ladder.
    ring_mode best_mode = ring_mode::deferred;
};

/// Owns the memory and the descriptor of one ring.
class ring {
  public:
    /// Sets a ring up. The errors are the kernel's (ENOSYS, EPERM, ENOMEM ...), and EOPNOTSUPP when
    /// the ring works but lacks something that the backend needs.
    /// The thread that calls this is the only one that may use the ring (-EEXIST otherwise).
    [[nodiscard]] static std::expected<ring, std::error_code> create(const ring_options& options);

    ring(ring&& other) noexcept;
    ring& operator=(ring&&) = delete;
    ~ring();

    [[nodiscard]] ::io_uring* get() noexcept { return &raw_; }
    [[nodiscard]] ring_mode mode() const noexcept { return mode_; }

    /// True when io_uring_enter has something to do for us: work that the kernel deferred, or
    /// completions that did not fit. Reads shared memory; makes no system call.
    [[nodiscard]] bool wants_enter() const noexcept {
        const unsigned flags = io_uring_smp_load_acquire(raw_.sq.kflags);
        return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    }

  private:
    ring() noexcept;

    ::io_uring raw_;
    ring_mode mode_ = ring_mode::plain;
};

}  // namespace mayhem::detail
