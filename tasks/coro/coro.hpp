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

#include "tasks/coro/promise.hpp"

namespace mayhem {

template <typename T = void>
class coro;

namespace detail {

/// Debug mode's "coroutine 'save' was never awaited".
void report_never_awaited(const std::source_location& definition) noexcept;

template <typename T>
class coro_promise final : public coro_promise_result<T> {
  public:
    coro<T> get_return_object(
        std::source_location where = std::source_location::current()) noexcept {
        this->definition = where;
        this->await_site = where;
        return coro<T>(std::coroutine_handle<coro_promise>::from_promise(*this));
    }
};

/// Runs a child coroutine inside the awaiting one. It owns the child's frame.
template <typename T>
class coro_awaiter {
    using promise_type = coro_promise<T>;

  public:
    explicit coro_awaiter(unique_frame frame) noexcept : frame_(std::move(frame)) {}
    coro_awaiter(const coro_awaiter&) = delete;
    coro_awaiter& operator=(const coro_awaiter&) = delete;

    bool await_ready() const noexcept { return false; }

    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        promise_type& child = promise();
        child.continuation = parent;
        child.parent = &parent.promise();
        child.task = parent.promise().task;
        child.owner = &frame_;
        child.task->set_top(&child);
        return frame_.get();
    }

    T await_resume() { return std::move(promise().outcome).value(); }

  private:
    promise_type& promise() const noexcept {
        return std::coroutine_handle<promise_type>::from_address(frame_.get().address()).promise();
    }

    unique_frame frame_;
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
        if (frame_ && promise().task == nullptr) {
            detail::report_never_awaited(promise().definition);
        }
    }

    detail::coro_awaiter<T> operator co_await() && noexcept {
        MAYHEM_CHECK(frame_, "a coroutine was awaited twice, or after it was moved from");
        return detail::coro_awaiter<T>(std::move(frame_));
    }
    /// A coroutine runs once: write `co_await std::move(c)`.
    void operator co_await() & = delete;

    /// Destroys the coroutine unrun, without the warning; asyncio's coroutine.close().
    void close() noexcept { frame_ = detail::unique_frame(); }

    /// False after it was moved from, awaited or closed.
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

    /// The function that made it. REQUIRES: not empty.
    [[nodiscard]] const std::source_location& definition() const noexcept {
        return promise().definition;
    }

    /// Gives up the frame: for what drives coroutines (`create_task`).
    std::coroutine_handle<promise_type> release() noexcept {
        return std::coroutine_handle<promise_type>::from_address(frame_.release().address());
    }

  private:
    friend promise_type;
    explicit coro(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    promise_type& promise() const noexcept {
        return std::coroutine_handle<promise_type>::from_address(frame_.get().address()).promise();
    }

    detail::unique_frame frame_;
};

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
