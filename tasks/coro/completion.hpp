// The part of a future that does not depend on its value: is it done, who waits for it, and did
// anybody look at its error. Tasks and futures both derive from it, as asyncio's Task is a Future.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "loop/event_loop.hpp"
#include "loop/intrusive_list.hpp"
#include "loop/recycling_allocator.hpp"
#include "tasks/coro/async_stack.hpp"
#include "tasks/coro/suspension.hpp"
#include "tasks/coro/waiter_list.hpp"

namespace mayhem {

class completion;
class runtime;

/// All completions of a loop are in its runtime's list, until they die or the loop closes.
struct registry_tag {
    static constexpr bool leaves_when_destroyed = true;
};

namespace detail {

/// What few completions have. A name never changes, but is replaced with all of this, so that a
/// signal handler on the loop's thread may read it at any moment.
struct completion_details : recycled {
    explicit completion_details(std::string given) noexcept : name(std::move(given)) {}

    const std::string name;  // of a task that was given one
    std::unique_ptr<const creation_stack> creation;
};

}  // namespace detail

/// Reference-counted, for one thread: the loop's. (A runnable, because a task is one, whose address
/// and table of virtual functions are then those of the completion. Futures never run.)
class completion : public runnable, public list_hook<registry_tag>, public detail::recycled {
  public:
    enum class state : std::uint8_t { pending, finished, cancelled };

    /// How far a task is, and what its link holds then: one word in the place of three, since no
    /// phase needs two.
    enum class phase : std::uint8_t {
        created,    // in the ready queue for its first step: who comes next there
        ready,      // in the ready queue: the same
        running,    // its frames are on the thread's stack: what is thrown from one to another
        suspended,  // what it waits for
        ended,      // what it has failed with, or null
        unwanted,   // cancelled before its first step, for which it is in the ready queue
    };

    /// One reference is the creator's.
    explicit completion(event_loop& loop);
    explicit completion(runtime& own, std::uint32_t references = 1) noexcept;
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    [[nodiscard]] bool done() const noexcept { return state_ != state::pending; }
    [[nodiscard]] bool was_cancelled() const noexcept { return state_ == state::cancelled; }
    /// True when it is done, and there is no exception to be had.
    [[nodiscard]] bool has_succeeded() const noexcept {
        return state_ == state::finished && !failed_;
    }

    /// Asks for cancellation. @returns false when it is done already.
    virtual bool cancel() = 0;
    /// The exception it finished with (`cancelled` included), or null.
    [[nodiscard]] virtual std::exception_ptr exception() const noexcept = 0;
    /// As asyncio's repr: `<Future pending>`, `<Task finished ...>`.
    [[nodiscard]] virtual std::string describe() const = 0;
    /// The same without what it waits for: tasks may wait for each other in chains and circles.
    [[nodiscard]] virtual std::string describe_briefly() const { return describe(); }
    /// The task, if it is one.
    [[nodiscard]] virtual task_base* as_task() noexcept { return nullptr; }
    /// The loop closes: let go of everything that needs it.
    virtual void loop_closes() noexcept;

    void add_waiter(completion_waiter& waiter) noexcept {
        if (done()) return send_off(waiter);
        waiters_.add(waiter);
    }

    /// Schedules `function` for the tick after completion (or the next one, when it is done).
    void add_done_callback(std::move_only_function<void()> function,
                           std::source_location where = std::source_location::current());

    /// See event_loop::check_thread.
    void check_thread(std::string_view what) const {
        if (loop_ != nullptr) loop_->check_thread(what);
    }

    /// Somebody has seen the exception; it need not be reported when this is dropped.
    void mark_retrieved() noexcept {
        if (unretrieved_) unretrieved_ = false;  // (not written in vain: it has neighbours)
    }

    /// A protected completion is not cancelled by the loop's shutdown before its drain deadline.
    /// Protection reaches what it waits for, and the tasks that it starts.
    virtual void protect() noexcept { protected_ = true; }
    [[nodiscard]] bool is_protected() const noexcept { return protected_; }

    /// Where it was created; null unless the loop was in debug mode then.
    [[nodiscard]] const detail::creation_stack* creation() const noexcept {
        const detail::completion_details* const rare = details();
        return rare != nullptr ? rare->creation.get() : nullptr;
    }
    /// The same as text, or nothing.
    [[nodiscard]] std::string format_creation() const;

    /// True while it is destroyed: nobody can keep it any more.
    [[nodiscard]] bool is_dying() const noexcept { return references_ == 0; }

    /// Null once the loop has closed.
    [[nodiscard]] event_loop* loop() const noexcept { return loop_; }

    /// Only tasks are ever made ready.
    void run() noexcept override;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) dispose();
    }

  protected:
    ~completion() {
        if (!waiters_.empty()) [[unlikely]]
            discard_waiters();
        if (const detail::completion_details* rare = details()) [[unlikely]]
            drop(rare);
    }

    /// Nobody refers to it any more: deletes it. (Each final class does that for itself, instead of
    /// by a virtual destructor: all of its bases' destructors are one function then.)
    virtual void dispose() noexcept = 0;

    void leave_registry() noexcept { list_hook<registry_tag>::leave_if_linked(); }

    /// Enters the final state and sends the waiters off. `failed`: it finishes with an exception,
    /// which is reported should nobody ever look at it.
    void complete(state how, bool failed = false) noexcept {
        MAYHEM_CHECK(state_ == state::pending, "a completion was completed twice");
        state_ = how;
        failed_ = unretrieved_ = failed;
        if (!waiters_.empty()) wake_waiters();
    }
    /// In debug mode, notes where it is created. Called by constructors.
    void remember_creation(const std::source_location& where) noexcept {
        if (loop_->debug()) [[unlikely]]
            remember_creation_slowly(where);
    }
    void report_unretrieved(const char* what) noexcept {
        if (unretrieved_) [[unlikely]]
            report_unretrieved_now(what);
    }
    /// Somebody wants the value. @throws invalid_state while it is pending
    void retrieve() {
        if (!done()) [[unlikely]]
            throw_not_done();
        mark_retrieved();
    }
    [[nodiscard]] bool has_unretrieved() const noexcept { return unretrieved_; }

    /// Null: nothing but what all have.
    [[nodiscard]] const detail::completion_details* details() const noexcept {
        return details_.load(std::memory_order_relaxed);
    }
    /// Puts others in their place. They take the creation over, if they have none of their own.
    [[gnu::cold]] void replace_details(std::unique_ptr<detail::completion_details> made) noexcept;
    /// Empty when there is none.
    [[nodiscard]] std::string given_name() const;

  private:
    [[noreturn]] void throw_not_done() const;
    [[gnu::cold]] void remember_creation_slowly(const std::source_location& where) noexcept;
    [[gnu::cold]] void report_unretrieved_now(const char* what) noexcept;
    void send_off(completion_waiter& waiter) noexcept;
    void wake_waiters() noexcept;
    [[gnu::cold]] void discard_waiters() noexcept;
    [[gnu::cold]] static void drop(const detail::completion_details* rare) noexcept;

    event_loop* loop_;
    waiter_list waiters_;
    std::atomic<detail::completion_details*> details_{nullptr};

    // One word without a gap, so that it is written at once; some of it is for tasks only.
    std::uint32_t references_;
    state state_ : 2 = state::pending;
    bool failed_ : 1 = false;
    bool unretrieved_ : 1 = false;
    bool protected_ : 1 = false;

  protected:
    bool must_cancel_ : 1 = false;
    bool asked_to_end_ : 1 = false;

  private:
    [[maybe_unused]] bool unused_ : 1 = false;

  protected:
    phase phase_ = phase::created;
    std::uint16_t cancel_requests_ = 0;
};

namespace detail {

/// A counted reference to a completion.
template <typename T>
class counted {
  public:
    counted() noexcept = default;
    /// Takes over one reference.
    explicit counted(T* object) noexcept : object_(object) {}
    counted(const counted& other) noexcept : object_(other.object_) {
        if (object_ != nullptr) object_->retain();
    }
    counted(counted&& other) noexcept : object_(other.detach()) {}
    /// As a reference to a base.
    template <std::derived_from<T> Derived>
    explicit counted(counted<Derived>&& other) noexcept : object_(other.detach()) {}
    counted& operator=(counted other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~counted() {
        if (object_ != nullptr) object_->release();
    }

    /// A new reference to an object that is already owned.
    static counted share(T& object) noexcept {
        object.retain();
        return counted(&object);
    }

    /// Gives the reference up: whoever calls it owns it now.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }

    [[nodiscard]] T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const counted& left, const counted& right) noexcept = default;

  private:
    T* object_ = nullptr;
};

/// What a task awaiting a completion is suspended on. A cancellation is passed on to the target;
/// the wait then ends when the target does.
class completion_wait : public suspension, public completion_waiter {
  public:
    bool cancel() noexcept override { return !circle_broken_ && target_->cancel(); }
    [[nodiscard]] task_base* awaited_task() const noexcept override {
        const bool is_over = circle_broken_ || target_->done();
        return is_over ? nullptr : target_->as_task();
    }
    void break_circle() noexcept override {
        waiter_list::remove(*this);
        circle_broken_ = true;
        wake();
    }
    void protect_target() noexcept override { target_->protect(); }
    [[nodiscard]] std::string describe() const override { return target_->describe_briefly(); }
    void run() noexcept override { resume(); }

  protected:
    explicit completion_wait(completion* target) noexcept : target_(target) {}
    // A frame may be destroyed while it is suspended here, when the loop closes.
    ~completion_wait() {
        if (is_waiting()) waiter_list::remove(*this);
    }

    template <typename Promise>
    void start(std::coroutine_handle<Promise> frame) {
        refuse_impossible(awaiting_task(frame));
        suspend(frame);
        target_->add_waiter(*this);
        deliver_pending_cancel();
    }

    /// A task cannot wait for itself, nor for what belongs to another loop.
    void refuse_impossible(const task_base& awaiting) const;
    [[nodiscard]] bool circle_broken() const noexcept { return circle_broken_; }

    completion* target_;

  private:
    [[noreturn]] void refuse(const task_base& awaiting) const;

    bool circle_broken_ = false;
};

/// `co_await task` and `co_await future`. `Reference` is what await_resume gives: `T&` for an
/// lvalue, `T` (moved out) for an rvalue.
template <typename State, typename Reference>
class completion_awaiter final : public completion_wait {
  public:
    explicit completion_awaiter(counted<State> target) noexcept
        : completion_wait(target.get()), state_(std::move(target)) {}

    bool await_ready() const noexcept { return state_->done(); }

    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
        start(frame);
    }

    Reference await_resume() {
        if (circle_broken()) throw_if_cancelled(true);
        if (task() != nullptr && state_->was_cancelled()) forget_pending_cancel();
        if constexpr (std::is_void_v<Reference>) {
            if (task() != nullptr && !state_->exception()) throw_if_cancelled(false);
        }
        if constexpr (std::is_lvalue_reference_v<Reference> || std::is_void_v<Reference>) {
            return state_->value();
        } else {
            return state_->take_value();
        }
    }

  private:
    counted<State> state_;
};

}  // namespace detail
}  // namespace mayhem

#include "tasks/coro/task_base.hpp"  // defines what is inline in suspension.hpp
