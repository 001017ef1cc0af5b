// `coro<T>`: a coroutine, as asyncio means the word. Calling a coroutine function runs nothing; it
// makes an object that runs when it is awaited, or when `create_task` gives it to the loop.
//
// Lifetime: parameters live in the coroutine's frame if they are taken *by value*. A reference
// parameter, and the captures of a lambda, must outlive the await by other means.
#pragma once

#include <concepts>
#include <coroutine>
#include <source_location>
#include <type_traits>
#include <utility>

#include "loop/check.hpp"
#include "tasks/coro/promise.hpp"

namespace mayhem {

template <typename T = void>
class coro;

namespace detail {

/// Debug mode's "coroutine 'save' was never awaited".
void report_never_awaited(const std::source_location& definition) noexcept;

template <typename T>
class coro_promise final : public returning_promise<T> {
  public:
    coro<T> get_return_object(location_data where = __builtin_source_location()) noexcept {
        // Or the promise would not be where `frame_handle` looks for it. (And no compiler here
        // aligns a frame for more than operator new does.)
        static_assert(alignof(coro_promise) <= 2 * sizeof(void*),
                      "a coroutine cannot return a type of such an alignment; return a pointer");
        this->location = where;
        return coro<T>(std::coroutine_handle<coro_promise>::from_promise(*this));
    }
};

/// Runs a child coroutine inside the awaiting one, and owns its frame meanwhile. It has no
/// destructor: a frame that is destroyed while its child is suspended belongs to a task whose loop
/// closes, and that has destroyed the child before, see task_base::destroy_frames.
template <typename T>
class coro_awaiter {
  public:
    explicit coro_awaiter(std::coroutine_handle<> child) noexcept : child_(child) {}

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return child_; }
    T await_resume() const {
        const std::coroutine_handle<> child = child_;  // (not read again)
        const promise_base& ended = as_frame(child).promise();
        running.put_on_top(ended.parent);
        if (ended.has_thrown()) [[unlikely]]
            promise_base::rethrow(child);
        const unique_frame owner(child);  // destroyed once its result is out
        return coro<T>::promise_of(owner).take();
    }

  private:
    std::coroutine_handle<> child_;
};

}  // namespace detail

/// A lazy coroutine that returns `T`. Move-only. Await it once, as an rvalue:
/// `co_await save(message)` or `co_await std::move(started_later)`. The awaiting coroutine
/// continues with the value, or with the exception thrown. Cancelling the awaiting task cancels
/// what the child is suspended on.
template <typename T>
class [[nodiscard("a coroutine does nothing until it is awaited or made a task")]] coro {
  public:
    using promise_type = detail::coro_promise<T>;
    using value_type = T;

    coro(coro&& other) noexcept = default;
    coro& operator=(coro&& other) noexcept {
        close();
        frame_ = std::move(other.frame_);
        return *this;
    }
    ~coro() {
        if (frame_) [[unlikely]]
            drop(frame_.release());
    }

    /// Says what awaiting it gives, and is never called: a coroutine of this library awaits it by
    /// promise_base::await_transform, and nothing else can.
    detail::coro_awaiter<T> operator co_await() && noexcept;
    /// A coroutine runs once: write `co_await std::move(c)`.
    void operator co_await() & = delete;

    /// Destroys the coroutine unrun, without the warning; asyncio's coroutine.close().
    void close() noexcept { frame_ = detail::unique_frame(); }

    /// False after it was moved from, awaited or closed.
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

    /// The function that made it. REQUIRES: not empty, and not started.
    [[nodiscard]] std::source_location definition() const noexcept { return promise().where(); }

    /// Gives up the frame: for what drives coroutines (`create_task`).
    std::coroutine_handle<promise_type> release() noexcept {
        return std::coroutine_handle<promise_type>::from_address(frame_.release().address());
    }
    /// Takes a frame over that was released, and has not started: for the same.
    explicit coro(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  private:
    friend detail::coro_awaiter<T>;
    friend detail::promise_base;

    static promise_type& promise_of(const detail::unique_frame& frame) noexcept {
        return std::coroutine_handle<promise_type>::from_address(frame.get().address()).promise();
    }
    promise_type& promise() const noexcept { return promise_of(frame_); }

    /// It was never awaited.
    [[gnu::noinline, gnu::cold]] static void drop(std::coroutine_handle<> frame) noexcept {
        const detail::unique_frame dropped(frame);
        detail::report_never_awaited(promise_of(dropped).where());
    }

    detail::unique_frame frame_;
};

template <typename T>
detail::coro_awaiter<T> detail::promise_base::await_transform(coro<T>&& awaited,
                                                              location_data where) noexcept {
    MAYHEM_CHECK(awaited.frame_, "a coroutine was awaited twice, or after it was moved from");
    const frame_handle child = as_frame(awaited.frame_.release());
    location = where;
    child.promise().parent = frame_handle::from_promise(*this);
    running.put_on_top(child);
    return detail::coro_awaiter<T>(child);
}

template <typename T>
inline constexpr bool is_coro_v = false;
template <typename T>
inline constexpr bool is_coro_v<coro<T>> = true;

/// Calls `function` with the arguments and keeps it, captures and all, alive until the coroutine
/// that it returned has ended. A lambda that captures and is a coroutine must be started this
/// way: its captures live in the lambda object, not in the frame.
template <typename Function, typename... Args>
auto invoke(Function function, Args... args) -> std::invoke_result_t<Function&, Args...> {
    co_return co_await function(std::move(args)...);
}

}  // namespace mayhem
