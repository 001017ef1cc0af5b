// A descriptor that belongs to a loop, and everything that is in flight on it.
//
// Streams, sockets and files are thin handles around one of these. It is what makes three promises
// true: one reader and one writer at a time (a second one is told EBUSY at once, instead of
// stealing bytes); closing cancels what is in flight and waits for it, because the kernel goes on
// with the open file after a plain close; and a descriptor is never closed under an operation.
//
// It has one address for life, so that operations in other tasks' frames may point to it while the
// handle around it is moved.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "loop/event_loop.hpp"
#include "loop/fd.hpp"
#include "loop/intrusive_list.hpp"
#include "loop/recycling_allocator.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/wait_queue.hpp"

namespace mayhem::detail {

class descriptor;

/// What an operation uses of a descriptor. At most one `read` and one `write` are in flight at a
/// time; of `other`, any number.
enum class io_use : std::uint8_t { read, write, other };

/// Which system calls carry bytes, recv and send or read and write; and whether they wait for the
/// disk alone, so that they end by themselves.
enum class io_kind : std::uint8_t { socket, stream, regular_file };

/// Something that is in flight on a descriptor: a base of awaiters.
class descriptor_user : public list_hook<descriptor> {
  public:
    descriptor_user(const descriptor_user&) = delete;
    descriptor_user& operator=(const descriptor_user&) = delete;

    [[nodiscard]] io_use use() const noexcept { return use_; }
    /// True while the kernel or a thread works on it.
    [[nodiscard]] virtual bool is_in_flight() const noexcept = 0;
    /// The descriptor is to be closed: end, as soon as that is possible.
    virtual void ask_to_end() noexcept = 0;

  protected:
    /// @param on null for operations that have no descriptor (openat).
    descriptor_user(descriptor* on, io_use use) noexcept : on_(on), use_(use) {}
    ~descriptor_user() {
        if (entered_) [[unlikely]]
            leave_unawaited();
    }

    [[nodiscard]] descriptor* on() const noexcept { return on_; }
    void enter() noexcept;
    /// No longer in flight; does nothing the second time.
    void leave() noexcept;

  private:
    friend class descriptor;
    void leave_unawaited() noexcept;
    descriptor* on_;  // null, too, once the descriptor is gone
    io_use use_;
    bool entered_ = false;
};

class descriptor final : public recycled {
  public:
    descriptor(event_loop& loop, unique_fd fd, io_kind kind)
        : loop_(loop), home_(loop.remote()), fd_(std::move(fd)), kind_(kind) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    /// Closes it. REQUIRES: nothing is in flight; otherwise `close` has to be awaited first.
    ~descriptor();

    [[nodiscard]] int get() const noexcept { return fd_.get(); }
    [[nodiscard]] io_kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ && !closing_; }

    /// Why an operation may not start now: EBADF (closed), EBUSY (another one of its use is in
    /// flight), or 0.
    [[nodiscard]] int refusal(io_use use) noexcept {
        if (!is_open()) [[unlikely]]
            return EBADF;
        return in_flight_.empty() ? 0 : refusal_beside_others(use);
    }

    /// Cancels what is in flight, waits for it, and closes. The tasks that wait see ECANCELED.
    /// Closing twice is fine. It cannot be cancelled: the wait is short, and a half-closed
    /// descriptor would help nobody; a request to cancel is raised at the next await.
    coro<void> close();

    /// REQUIRES: nothing is in flight.
    void close_now() noexcept { static_cast<void>(release()); }
    /// The same, but the descriptor stays open and is the caller's.
    [[nodiscard]] unique_fd release() noexcept;

    /// See event_loop::check_thread.
    void check_thread(std::string_view what) const {
        if (!home_->is_closed()) loop_.check_thread(what);
    }
    /// True on this descriptor's loop.
    [[nodiscard]] bool belongs_to(const event_loop& loop) const noexcept { return &loop == &loop_; }

  private:
    friend class descriptor_user;
    [[nodiscard]] int refusal_beside_others(io_use use) noexcept;

    event_loop& loop_;             // not to be touched once `home_` is closed
    std::shared_ptr<inbox> home_;  // knows whether the loop is still there; null once closed
    unique_fd fd_;
    io_kind kind_;
    bool closing_ = false;
    intrusive_list<descriptor_user, descriptor> in_flight_;
    wait_queue idle_;  // who waits in `close`
};

// Inline, because every operation passes here.

inline void descriptor_user::enter() noexcept {
    on_->in_flight_.push_back(*this);
    entered_ = true;
}

inline void descriptor_user::leave() noexcept {
    if (!entered_) return;
    entered_ = false;
    if (on_ == nullptr) return;
    on_->in_flight_.remove(*this);
    if (on_->closing_ && on_->in_flight_.empty()) [[unlikely]]
        on_->idle_.wake_all();
}

}  // namespace mayhem::detail
