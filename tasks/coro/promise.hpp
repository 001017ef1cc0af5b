// What every coroutine frame of this library carries, whatever it returns.
//
// The frames of one task form a chain: each knows its parent, the one that awaits it. Following
// the chain from the innermost frame outwards gives the *async stack*, which exists in no thread's
// stack while the task is suspended. For that each frame keeps two source locations: where its
// function is, and the `co_await` at which it is now. Both cost one store.
//
//    task ---> root frame <--parent-- frame <--parent-- leaf frame ---> suspension
//      |                                                   ^            (what it waits on)
//      +------------------ leaf_ --------------------------+
#pragma once

#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include "loop/recycling_allocator.hpp"
#include "tasks/coro/result.hpp"

namespace mayhem {

class task_base;

namespace detail {

class promise_base;

/// Owns a coroutine frame.
class unique_frame {
  public:
    unique_frame() noexcept = default;
    explicit unique_frame(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
    unique_frame(unique_frame&& other) noexcept : frame_(other.release()) {}
    unique_frame& operator=(unique_frame&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~unique_frame() {
        if (frame_) frame_.destroy();
    }

    [[nodiscard]] std::coroutine_handle<> get() const noexcept { return frame_; }
    [[nodiscard]] std::coroutine_handle<> release() noexcept {
        return std::exchange(frame_, nullptr);
    }
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

  private:
    std::coroutine_handle<> frame_;
};

/// Tells the task of a frame without parent that its body has ended.
void root_ended(task_base& task) noexcept;

/// Stands for an awaiter that must not be copied. (await_transform may return a reference, says the
/// standard; g++ 12 copies it all the same.)
template <typename Awaiter>
class awaiter_reference {
  public:
    explicit awaiter_reference(Awaiter& awaiter) noexcept : awaiter_(awaiter) {}
    bool await_ready() { return awaiter_.await_ready(); }
    template <typename Promise>
    decltype(auto) await_suspend(std::coroutine_handle<Promise> frame) {
        return awaiter_.await_suspend(frame);
    }
    decltype(auto) await_resume() { return awaiter_.await_resume(); }

  private:
    Awaiter& awaiter_;
};

class promise_base : public recycled {
  public:
    std::suspend_always initial_suspend() const noexcept { return {}; }

    /// At the end control goes to whoever awaits this coroutine, by symmetric transfer: a loop of
    /// a million awaits uses no stack. The root of a task goes back to the loop.
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            promise_base& own = ended.promise();
            if (own.continuation) return own.continuation;
            root_ended(*own.task);
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

    /// Notes where this coroutine awaits.
    template <typename Awaitable>
    auto await_transform(Awaitable&& awaitable,
                         std::source_location where = std::source_location::current()) noexcept {
        await_site = where;
        if constexpr (requires { static_cast<Awaitable&&>(awaitable).operator co_await(); }) {
            return static_cast<Awaitable&&>(awaitable).operator co_await();
        } else {
            return awaiter_reference<std::remove_reference_t<Awaitable>>(awaitable);
        }
    }

    std::coroutine_handle<> continuation;  ///< the parent's frame; null for the root of a task
    promise_base* parent = nullptr;        ///< the parent's promise; null for the root
    task_base* task = nullptr;             ///< the task that drives this frame, once it started
    unique_frame* owner = nullptr;         ///< who destroys this frame while its parent awaits it
    std::source_location definition;       ///< the function
    std::source_location await_site;       ///< its current (or latest) co_await
    bool started = false;
};

template <typename T>
class coro_promise_result : public promise_base {
  public:
    template <typename Value>
    void return_value(Value&& value) {
        outcome.set_value(std::forward<Value>(value));
    }
    void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }

    result<T> outcome;
};

template <>
class coro_promise_result<void> : public promise_base {
  public:
    void return_void() { outcome.set_value(); }
    void unhandled_exception() noexcept { outcome.set_exception(std::current_exception()); }

    result<void> outcome;
};

}  // namespace detail
}  // namespace mayhem
