// What every coroutine frame of this library carries, whatever it returns.
//
// The frames of one task form a chain: each knows its parent, the one that awaits it. Following
// the chain from the innermost frame outwards gives the *async stack*, which exists in no thread's
// stack while the task is suspended. For that each frame keeps one source location: the `co_await`
// at which it is now. The innermost frame is known at every moment: while the task is suspended, to
// the task; while it runs, to the thread. A child that begins becomes it, and its parent does when
// it goes on. Each costs a store.
//
//    outside <--parent-- root frame <--parent-- frame <--parent-- top frame ---> suspension
//                                                                    ^          (what it waits on)
//    task (suspended), running_step (running) -----------------------+
//
// A child stays on top from its beginning until its awaiter takes its result. So when a frame has
// ended that nobody awaits, it is the root, and on top: there need not be another way to it.
#pragma once

#include <atomic>
#include <bit>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "loop/check.hpp"
#include "loop/recycling_allocator.hpp"

namespace mayhem {

class task_base;
template <typename T>
class coro;

namespace detail {

class promise_base;
template <typename T>
class coro_awaiter;

/// Any coroutine frame of this library. The address of its promise follows from its own: see
/// `coro_promise` for what that asks of the type of the result.
using frame_handle = std::coroutine_handle<promise_base>;

[[nodiscard]] inline frame_handle as_frame(std::coroutine_handle<> frame) noexcept {
    return frame_handle::from_address(frame.address());
}

/// What runs on this thread: a step of a task, from one suspension to the next.
///
/// Both may be read at any moment by a signal handler on the same thread, which sees the chain of
/// frames as it was before or after a change. So a frame is complete before it is put on top, and
/// leaves the top before it dies.
struct running_step {
    std::atomic<task_base*> task;   ///< null between steps
    std::atomic<frame_handle> top;  ///< its innermost frame; null once its root has ended

    void put_on_top(frame_handle frame) noexcept {
        // Orders the frame's own fields before it for the handler, and the end of another frame
        // behind it: same thread, so the compiler alone has to be told.
        std::atomic_signal_fence(std::memory_order_release);
        top.store(frame, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_acquire);
    }
    void begin(task_base& next, frame_handle frame) noexcept {
        put_on_top(frame);
        task.store(&next, std::memory_order_relaxed);
    }
};
static_assert(std::atomic<frame_handle>::is_always_lock_free, "a signal handler reads it");
// (A coroutine may be resumed on another thread than before, but never inside a step.)
extern constinit thread_local running_step running [[gnu::tls_model("initial-exec")]];

[[nodiscard]] inline task_base* running_task() noexcept {
    return running.task.load(std::memory_order_relaxed);
}

/// The same, for a coroutine of it. A coroutine that was resumed by hand has none, and neither has
/// one that goes on in a forked child after another loop has run there.
[[nodiscard]] inline task_base& awaiting_task() noexcept {
    task_base* const task = running_task();
    MAYHEM_CHECK(task != nullptr, "a coroutine was resumed by hand, outside of its task's steps");
    return *task;
}
/// The same, for the innermost of its coroutines, which is about to wait.
[[nodiscard]] inline task_base& awaiting_task(std::coroutine_handle<> frame) noexcept;

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

/// What a std::source_location consists of, as a plain pointer: g++ 12 keeps each object that is
/// made in a co_await expression in the frame, and copies it there once more.
using location_data = decltype(__builtin_source_location());

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
    /// a million awaits uses no stack. The root of a task goes to what is `outside`.
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            return ended.promise().parent;
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

    /// Runs a child inside this coroutine. Defined with coro<T>.
    template <typename T>
    coro_awaiter<T> await_transform(coro<T>&& awaited,
                                    location_data where = __builtin_source_location()) noexcept;

    /// Notes where this coroutine awaits.
    template <typename Awaitable>
    auto await_transform(Awaitable&& awaitable, location_data where = __builtin_source_location()) {
        location = where;
        if constexpr (requires { static_cast<Awaitable&&>(awaitable).operator co_await(); }) {
            return static_cast<Awaitable&&>(awaitable).operator co_await();
        } else {
            return awaiter_reference<std::remove_reference_t<Awaitable>>(awaitable);
        }
    }

    /// True when the body has ended by an exception, which its task holds then.
    [[nodiscard]] bool has_thrown() const noexcept { return location == nullptr; }
    /// Where the frame is: its current or latest co_await; before that, the function.
    [[nodiscard]] std::source_location where() const noexcept {
        return std::bit_cast<std::source_location>(location);
    }

    // Nothing is initialized here but what is read before the frame becomes a child or the root of
    // a task: most frames live for a few nanoseconds.
    frame_handle parent;     ///< the frame that awaits this, or `outside`; null: it is that itself
    location_data location;  ///< see where(); null once the body has thrown

    /// Throws what the body of a child threw, once its frame is destroyed.
    [[noreturn, gnu::cold]] static void rethrow(std::coroutine_handle<> ended);

  protected:
    [[gnu::cold]] void note_thrown() noexcept;
};

/// The frame that awaits this one; null when it is a root.
[[nodiscard]] inline frame_handle parent_of(frame_handle frame) noexcept {
    const frame_handle parent = frame.promise().parent;
    return parent.promise().parent ? parent : frame_handle();
}

/// What awaits a task's root, so that a coroutine that ends need not ask whether it is one. It is
/// laid out as every compiler's frames are here: control that is handed to it comes to `resume`.
struct outside_frame {
    void (*resume)(void* outside) noexcept;
    void (*destroy)(void* outside) noexcept;
    promise_base promise;

    [[nodiscard]] frame_handle handle() const noexcept {
        return frame_handle::from_address(const_cast<outside_frame*>(this));
    }
};
static_assert(offsetof(outside_frame, promise) == 2 * sizeof(void*), "where frames have it");

inline task_base& awaiting_task(std::coroutine_handle<> frame) noexcept {
    const bool is_innermost = running.top.load(std::memory_order_relaxed) == frame;
    MAYHEM_CHECK(is_innermost, "a coroutine was resumed by hand, outside of its task's steps");
    return awaiting_task();
}

/// Adds what the body returns. What it throws goes another way, over its task: so a frame holds
/// nothing for it, and has nothing to clean up.
template <typename T>
class returning_promise : public promise_base {
    using stored = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;
    static constexpr bool is_cleaned_up = !std::is_trivially_destructible_v<stored>;

  public:
    returning_promise() noexcept {
        if constexpr (is_cleaned_up) holds_value_ = false;
    }
    returning_promise(const returning_promise&) = delete;
    returning_promise& operator=(const returning_promise&) = delete;
    ~returning_promise() { drop_value(); }

    template <typename Value>
    void return_value(Value&& value) {
        if constexpr (std::is_reference_v<T>) {
            value_ = std::addressof(value);
        } else {
            // A second time, when a local's destructor threw, and the body caught that.
            drop_value();
            if constexpr (is_cleaned_up) holds_value_ = false;
            std::construct_at(&value_, std::forward<Value>(value));
        }
        if constexpr (is_cleaned_up) holds_value_ = true;
    }
    /// Also after `return_value`, when the destructor of a local throws.
    void unhandled_exception() noexcept { note_thrown(); }

    /// Moves the value out. REQUIRES: the body has ended, and has not thrown.
    T take() {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else {
            return std::move(value_);
        }
    }

  private:
    void drop_value() noexcept {
        if constexpr (is_cleaned_up) {
            if (holds_value_) std::destroy_at(&value_);
        }
    }
    struct nothing {};

    union {
        stored value_;
    };
    [[no_unique_address]] std::conditional_t<is_cleaned_up, bool, nothing> holds_value_;
};

template <>
class returning_promise<void> : public promise_base {
  public:
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { note_thrown(); }
    void take() const noexcept {}
};

}  // namespace detail
}  // namespace mayhem
