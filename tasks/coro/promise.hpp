// What every coroutine frame of this library carries, whatever it returns.
//
// The frames of one task form a chain: each knows its parent, the one that awaits it. Following
// the chain from the innermost frame outwards gives the *async stack*, which exists in no thread's
// stack while the task is suspended. For that each frame keeps two source locations: where its
// function is, and the `co_await` at which it is now. The task knows its innermost frame, also
// while it runs: a child that begins becomes it, and at its end its parent does. Each costs a
// store.
//
//    task ---> root frame <--parent-- frame <--parent-- top frame ---> suspension
//      |                                                   ^            (what it waits on)
//      +------------------ top_ ---------------------------+
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include "loop/recycling_allocator.hpp"
#include "tasks/coro/result.hpp"

namespace mayhem {

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

/// The frames of one task: a stack, linked through `parent`. The task derives from it.
///
/// It may be read at any moment by a signal handler on the task's own thread, which sees the chain
/// as it was before or after a change. So a frame is complete before it is put on top, and leaves
/// the top before it dies.
class frame_chain {
  public:
    void set_top(promise_base* frame) noexcept {
        // Orders the frame's own fields before it for the handler: same thread, so the compiler
        // alone has to be told.
        std::atomic_signal_fence(std::memory_order_release);
        top_.store(frame, std::memory_order_relaxed);
    }
    /// The innermost frame; null when the task has ended.
    [[nodiscard]] promise_base* top() const noexcept {
        return top_.load(std::memory_order_relaxed);
    }

  protected:
    explicit frame_chain(promise_base* root) noexcept : top_(root) {}
    ~frame_chain() = default;

  private:
    std::atomic<promise_base*> top_;
};

/// Tells the task of a frame without parent that its body has ended.
void root_ended(frame_chain& task) noexcept;

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
            if (own.continuation) {
                own.task->set_top(own.parent);
                return own.continuation;
            }
            root_ended(*own.task);
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

    /// Notes where this coroutine awaits.
    template <typename Awaitable>
    auto await_transform(Awaitable&& awaitable,
                         std::source_location where = std::source_location::current()) {
        await_site = where;
        if constexpr (requires { static_cast<Awaitable&&>(awaitable).operator co_await(); }) {
            return static_cast<Awaitable&&>(awaitable).operator co_await();
        } else {
            return awaiter_reference<std::remove_reference_t<Awaitable>>(awaitable);
        }
    }

    std::coroutine_handle<> continuation;  ///< the parent's frame; null for the root of a task
    promise_base* parent = nullptr;        ///< the parent's promise; null for the root
    frame_chain* task = nullptr;           ///< the task that drives this frame; null: not started
    unique_frame* owner = nullptr;         ///< who destroys this frame while its parent awaits it
    std::source_location definition;       ///< the function
    std::source_location await_site;       ///< its current (or latest) co_await
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
