// The listening half of TCP and unix sockets: connections in, one awaiting task at a time served.
//
// One multishot accept stays in flight and brings connections as they come; they wait here, in a
// bounded buffer, for a task that accepts. When the buffer is full the accept is cancelled, and the
// kernel's own backlog holds the rest back.
//
//        accept() first awaited                 buffer full: cancel
//   idle ----------------------> armed <------------------------------> draining
//    ^  ^                          |   buffer half empty: armed again
//    |  |  no descriptors, memory  |
//    |  +------- pausing <---------+  (100 ms, 200 ms ... 1 s; then armed again)
//    +-- fatal error, close
//
// No accepted connection is forgotten: it goes to a task, or is closed with the listener.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "loop/fd.hpp"
#include "loop/operation.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/wait_queue.hpp"
#include "tasks/io/address.hpp"

namespace mayhem::detail {

class acceptor;

/// A task that waits for a connection. Derived classes make a stream of it.
class accept_wait : public parked {
  public:
    explicit accept_wait(acceptor& from);

    bool await_ready();
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
        park(frame, line());
        if (!was_cancelled()) want_more();
    }
    [[nodiscard]] std::string describe() const override { return "accept"; }

  protected:
    ~accept_wait() = default;

    /// The connection that was handed over; `error()` is set when there is none. Throws
    /// `cancelled` only when nothing was handed over.
    [[nodiscard]] unique_fd take();
    [[nodiscard]] int error() const noexcept { return error_; }

  private:
    friend class acceptor;
    wait_queue& line() noexcept;
    void want_more();

    acceptor& from_;  // not touched after the wait: the listener may be gone
    unique_fd connection_;
    int error_ = 0;  // errno
};

/// Lives on the heap, and until the kernel has given the accept back: the listener may be gone by
/// then.
class acceptor final : public operation {
  public:
    acceptor(event_loop& loop, unique_fd listening);
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;

    /// What a listener's destructor does: refuses connections from now on, closes what was
    /// accepted for nobody, and destroys `owned` now or when the kernel is done with it.
    static void abandon(std::unique_ptr<acceptor> owned) noexcept;

    /// Wakes the waiting tasks with ECANCELED, waits for the kernel, closes.
    coro<void> close();

    [[nodiscard]] bool is_open() const noexcept { return fd_ && !closing_; }
    [[nodiscard]] int get() const noexcept { return fd_.get(); }
    [[nodiscard]] event_loop& loop() const noexcept { return loop_; }
    /// See event_loop::check_thread.
    void check_thread(std::string_view what) const {
        if (!home_->is_closed()) loop_.check_thread(what);
    }

    void on_shot(std::int32_t shot, bool more) noexcept override;
    void run() noexcept override {}

  private:
    friend class accept_wait;

    friend struct std::default_delete<acceptor>;
    ~acceptor();

    void arm() noexcept;
    void deliver(unique_fd connection) noexcept;
    void failed(int error) noexcept;
    void pause(int error) noexcept;
    void fail_waiters(int error) noexcept;
    void stop() noexcept;
    void close_now() noexcept;
    [[nodiscard]] bool is_armed() const noexcept { return state == operation_state::in_flight; }

    event_loop& loop_;             // not to be touched once `home_` is closed
    std::shared_ptr<inbox> home_;  // knows whether the loop is still there
    unique_fd fd_;
    std::deque<unique_fd> accepted_;
    wait_queue waiting_;
    wait_queue ended_;  // who waits in `close`
    handle retry_;      // arms the accept again after a pause
    bool pausing_ = false;
    duration pause_{};  // how long the last pause was; 0: the last accept worked
    int fatal_ = 0;     // errno: this socket will never accept
    bool closing_ = false;
    std::unique_ptr<acceptor> self_;  // abandoned, and still in flight
};

/// `co_await listener.accept()`.
template <typename Stream, bool Throws>
class accept_call final : public accept_wait {
  public:
    using accept_wait::accept_wait;
    using answer = std::conditional_t<Throws, Stream, std::expected<Stream, std::error_code>>;

    answer await_resume() {
        unique_fd connection = take();
        if (connection) return answer(Stream(loop_of_accept(), std::move(connection)));
        if constexpr (Throws) {
            throw_errno(error(), "accept");
        } else {
            return std::unexpected(errno_code(error()));
        }
    }

  private:
    static event_loop& loop_of_accept() { return get_running_loop(); }
};

/// Opens a socket that listens at `where`. @throws std::system_error that names the address.
[[nodiscard]] unique_fd listen_at(const address& where, int backlog, bool share_port);

}  // namespace mayhem::detail
