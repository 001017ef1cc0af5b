// The only door through which other threads reach a loop.
//
// Producers push runnables onto a lock-free stack; the loop takes the whole stack at once and
// turns it round. One atomic word holds everything, so there is no second flag to disagree with:
//
//   empty      nothing posted, the loop is awake and will look before it sleeps
//   sleeping   nothing posted, the loop is blocked (or about to be) in the kernel
//   closed     the loop is gone; every post is refused from now on
//   a pointer  the newest posted runnable; older ones hang behind it
//
//   post():   empty    -> pointer              no system call: the loop will look
//             pointer  -> pointer              somebody else has seen to the waking
//             sleeping -> pointer + wake       exactly one producer writes the eventfd
//             closed   -> refused
//   loop:     empty    -> sleeping             then it may block
//             anything -> empty                taken as a batch, when it wakes
//
// An inbox is shared: it outlives its loop for as long as a foreign thread holds it, and so does
// its eventfd. A late wake-up can therefore never hit a recycled descriptor.
#pragma once

#include <atomic>
#include <cstddef>

#include "loop/fd.hpp"
#include "loop/ready_queue.hpp"

namespace mayhem {

class inbox {
  public:
    /// Throws std::system_error when no eventfd can be had (EMFILE).
    inbox();
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// Hands `item` to the loop; thread-safe, lock-free, also from inside a callback of the loop.
    /// @returns false when the loop is closed; `item` is then still the caller's.
    [[nodiscard]] bool post(runnable& item) noexcept;

    /// True when the loop is closed. By the time the caller looks at the answer it may be stale.
    [[nodiscard]] bool is_closed() const noexcept;

    // The rest is for the loop's own thread.

    /// Moves everything posted to the end of `ready`, oldest first.
    void drain(ready_queue& ready) noexcept {
        // The common case, an empty inbox, costs one load.
        if (newest_.load(std::memory_order_relaxed) != nullptr) take(ready);
    }

    /// Announces that the loop is going to block. @returns false when something is already there.
    [[nodiscard]] bool prepare_sleep() noexcept;

    /// Refuses all later posts and moves what was posted before to `ready`.
    void close(ready_queue& ready) noexcept;

    /// Readable after a wake-up. It is watched edge-triggered and never read: each write is one
    /// new edge, and the counter would need 2^64 of them to overflow.
    [[nodiscard]] int wake_descriptor() const noexcept { return event_.get(); }

  private:
    /// Marks; their addresses are the values `sleeping` and `closed`. Never run.
    struct mark final : runnable {
        void run() noexcept override {}
    };
    static mark sleeping_;
    static mark closed_;

    void take(ready_queue& ready) noexcept;
    static void append(runnable* newest, ready_queue& ready) noexcept;

    std::atomic<runnable*> newest_{nullptr};
    unique_fd event_;
};

}  // namespace mayhem
