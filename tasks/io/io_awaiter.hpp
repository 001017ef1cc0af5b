// The awaiter of one operation: a task that waits for the kernel. The operation is part of the
// awaiter and so of the coroutine's frame: starting one allocates nothing.
//
//   co_await stream.read_some(buffer)
//        |  await_ready     refused (closed, busy)? then the answer is there already
//        |  await_suspend   a cancellation is pending? then it is not started at all
//        |                  done at once (data was here)? then the task goes on, not suspended
//        v
//     in flight ---completion---> ready queue ---run---> await_resume: the value, or throws
//        |   cancel(): asks the kernel; the completion comes all the same, exactly once
//
// What the completion of a cancelled operation means: -ECANCELED says that nothing happened, so
// `cancelled` is thrown. Anything else did happen (bytes arrived, the connection stands): it is
// delivered, and the request goes back to the task, which raises it at its next await.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "loop/fd.hpp"
#include "loop/operation.hpp"
#include "tasks/coro/suspension.hpp"
#include "tasks/io/byte_chunk.hpp"
#include "tasks/io/descriptor.hpp"

namespace mayhem::detail {

// (An operation first: what the loop calls most needs no adjustment of `this` then.)
class io_awaiter : public operation, public suspension, public descriptor_user {
  public:
    /// True when the descriptor refuses the operation.
    bool await_ready() noexcept {
        if (on() != nullptr) refusal_ = on()->refusal(use());
        return refusal_ != 0;
    }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        suspend(frame);
        return start();
    }

    bool cancel() noexcept final;
    /// "recv on descriptor 7".
    [[nodiscard]] std::string describe() const override;
    void run() noexcept final;
    void discard() noexcept final;

    [[nodiscard]] bool is_in_flight() const noexcept final {
        return state == operation_state::in_flight;
    }
    void ask_to_end() noexcept final { loop().cancel(*this); }

  protected:
    /// @param on null for operations that have no descriptor (openat).
    io_awaiter(descriptor* on, io_use use) noexcept : descriptor_user(on, use) {}
    /// In debug mode, throws loop_error on another thread than the descriptor's loop's. Called by
    /// constructors once the operation is prepared, so that the call site sees it.
    void check_thread() const {
        if (debugged_loop::any()) [[unlikely]]
            check_thread_slowly();
    }
    /// Closes a descriptor that the operation brought, or gives a buffer back, when nobody took it.
    ~io_awaiter() {
        if (state == operation_state::completed) [[unlikely]]
            drop_result();
    }

    /// The result, a value or a negative errno. Throws `cancelled` when the operation was not
    /// started, or had no effect, because the task was cancelled.
    [[nodiscard]] std::int32_t take_result() {
        if (state != operation_state::completed || asked_ || refusal_ != 0) [[unlikely]]
            return take_result_slowly();
        state = operation_state::idle;  // taken: the destructor has nothing to give back
        return result;
    }

    /// Throws std::system_error; its text names the operation, the descriptor and the peer.
    [[noreturn]] void throw_failure(std::int32_t error) const;

    /// From here on `continues` is asked at each completion.
    void go_in_parts() noexcept { in_parts_ = true; }
    /// True when the wait goes on with another operation, which was prepared in the place of this
    /// one.
    [[nodiscard]] virtual bool continues() noexcept { return false; }
    [[nodiscard]] bool was_asked_to_cancel() const noexcept { return asked_; }
    /// True when the descriptor was closed meanwhile: the next operation is then refused.
    [[nodiscard]] bool is_refused() noexcept;

  private:
    bool start() noexcept;
    void check_thread_slowly() const;
    [[nodiscard]] std::int32_t take_result_slowly();
    void drop_result() noexcept;

    int refusal_ = 0;     // errno; never started
    bool asked_ = false;  // this wait took a request to cancel over
    bool in_parts_ = false;
};

/// An awaiter whose result is a chunk: a read that brings its own buffer.
template <bool Throws>
class chunk_call final : public io_awaiter {
  public:
    using answer =
        std::conditional_t<Throws, byte_chunk, std::expected<byte_chunk, std::error_code>>;

    explicit chunk_call(descriptor& on) : io_awaiter(&on, io_use::read) {
        prepare_read_buffered(on.get(), on.kind() == io_kind::socket ? opcode::recv : opcode::read);
        check_thread();
    }

    answer await_resume() {
        const std::int32_t outcome = take_result();
        if (outcome > 0) {
            return byte_chunk(static_cast<std::byte*>(address), static_cast<std::size_t>(outcome));
        }
        if (outcome == 0) return byte_chunk();
        if constexpr (Throws) {
            throw_failure(outcome);
        } else {
            return std::unexpected(errno_code(outcome));
        }
    }
};

/// Prepares `op` to read what is there into `buffer`: by recv from sockets, by read from the rest.
inline void prepare_reading(operation& op, const descriptor& on, std::span<std::byte> buffer) {
    if (on.kind() == io_kind::socket) {
        op.prepare_recv(on.get(), buffer);
    } else {
        op.prepare_read(on.get(), buffer);
    }
}
/// The same for writing, by send or write.
inline void prepare_writing(operation& op, const descriptor& on, std::span<const std::byte> data) {
    if (on.kind() == io_kind::socket) {
        op.prepare_send(on.get(), data);
    } else {
        op.prepare_write(on.get(), data);
    }
}

/// An awaiter whose result is a `Value`: void, std::size_t (bytes) or unique_fd. `Throws` makes it
/// throw std::system_error; otherwise it gives std::expected<Value, std::error_code>.
template <typename Value, bool Throws = true>
class io_call final : public io_awaiter {
  public:
    using answer = std::conditional_t<Throws, Value, std::expected<Value, std::error_code>>;

    /// @param prepare calls one of the operation's `prepare_` functions.
    template <typename Prepare>
    io_call(descriptor* on, io_use use, Prepare prepare) : io_awaiter(on, use) {
        prepare(static_cast<operation&>(*this));
        check_thread();
    }

    answer await_resume() {
        const std::int32_t outcome = take_result();
        if (outcome < 0) {
            if constexpr (Throws) {
                throw_failure(outcome);
            } else {
                return std::unexpected(errno_code(outcome));
            }
        }
        if constexpr (std::is_void_v<Value>) {
            return answer();
        } else {
            return answer(static_cast<Value>(outcome));
        }
    }
};

}  // namespace mayhem::detail
