// `task<T>`: a handle to a coroutine that the loop drives concurrently with others.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tasks/coro/awaitable.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/future.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/coro/task_state.hpp"

namespace mayhem {

/// Any task, whatever it returns: what all_tasks() and current_task() give. Awaited, and in gather,
/// wait and shield, it has no value: it is done, or throws what it failed with. Copies refer to the
/// same task. For the loop's thread only; debug mode refuses calls from others, but for those that
/// only look, and for copying and dropping. Dropping a handle neither cancels nor stops the task.
class task_ref {
  public:
    using value_type = void;
    using state_type = task_base;

    task_ref() noexcept = default;
    explicit task_ref(detail::counted<task_base> state) noexcept : base_(std::move(state)) {}

    [[nodiscard]] bool done() const noexcept { return base_->done(); }
    /// True when the task ended by raising `cancelled`.
    [[nodiscard]] bool is_cancelled() const noexcept { return base_->was_cancelled(); }

    /// Asks the task to stop: `cancelled` is raised at the await where it is suspended, or at its
    /// next one. I/O in flight is cancelled in the kernel. @returns false when it is done.
    bool cancel() { return base_->cancel(); }
    /// How many requests to cancel have not been taken back with uncancel().
    [[nodiscard]] int cancelling() const noexcept { return base_->cancelling(); }
    /// Takes one request back, for code that swallows `cancelled` on purpose. @returns the count.
    int uncancel() {
        base_->check_thread("task.uncancel");
        return base_->uncancel();
    }

    /// What it failed with, `cancelled` included; null when it succeeded or is not done. Looking
    /// counts as retrieving.
    [[nodiscard]] std::exception_ptr exception() const noexcept {
        base_->mark_retrieved();
        return base_->exception();
    }

    /// Runs `function` on the tick after the task is done.
    void add_done_callback(std::move_only_function<void()> function,
                           std::source_location where = std::source_location::current()) {
        base_->add_done_callback(std::move(function), where);
    }

    /// "Task-7", or the name given to create_task.
    [[nodiscard]] std::string name() const { return base_->name(); }
    void set_name(std::string_view name) {
        base_->check_thread("task.set_name");
        base_->set_name(name);
    }
    [[nodiscard]] std::uint64_t id() const noexcept { return base_->id(); }
    /// The function that its coroutine was made by; asyncio's task.get_coro().__qualname__.
    [[nodiscard]] std::string coro_name() const { return base_->coro_name(); }
    /// The id of the task that created it; 0 when none did.
    [[nodiscard]] std::uint64_t parent_id() const noexcept { return base_->parent_id(); }
    /// asyncio's repr: `<Task pending name='Task-7' coro=<save() running at mayhem.cpp:77>>`.
    [[nodiscard]] std::string describe() const { return base_->describe(); }
    /// Its frames, outermost first, each with file and line of its (latest) co_await.
    [[nodiscard]] std::vector<stack_frame> get_stack() const {
        base_->check_thread("task.get_stack");
        return base_->stack();
    }
    /// Prints the stack as asyncio's Task.print_stack does; in debug mode also where the task was
    /// created.
    void print_stack(std::FILE* out = stderr) const;
    /// The same text.
    [[nodiscard]] std::string format_stack() const;

    auto operator co_await() const noexcept {
        return detail::completion_awaiter<task_base, void>(base_);
    }

    [[nodiscard]] task_base* state() const noexcept { return base_.get(); }
    [[nodiscard]] const detail::counted<task_base>& shared() const noexcept { return base_; }
    explicit operator bool() const noexcept { return static_cast<bool>(base_); }
    friend bool operator==(const task_ref& left, const task_ref& right) noexcept = default;

  protected:
    detail::counted<task_base> base_;
};

/// A task that returns `T`. `co_await task` gives a reference to the result, and may be done any
/// number of times by any number of tasks; `co_await std::move(task)` moves the result out. It
/// throws what the task failed with. Cancelling the awaiting task cancels the awaited one.
template <typename T = void>
class task : public task_ref {
  public:
    using value_type = T;
    using state_type = detail::task_state<T>;

    task() noexcept = default;
    explicit task(detail::counted<state_type> state) noexcept
        : task_ref(detail::counted<task_base>(std::move(state))) {}

    /// The result of a finished task; throws its exception, or invalid_state while it runs.
    decltype(auto) value() { return state()->value(); }

    auto operator co_await() & noexcept {
        return detail::completion_awaiter<state_type, std::add_lvalue_reference_t<T>>(shared());
    }
    auto operator co_await() && noexcept {
        return detail::completion_awaiter<state_type, T>(shared());
    }

    [[nodiscard]] state_type* state() const noexcept {
        return static_cast<state_type*>(base_.get());
    }
    [[nodiscard]] detail::counted<state_type> shared() const& noexcept {
        return detail::counted<state_type>::share(*state());
    }
    [[nodiscard]] detail::counted<state_type> shared() && noexcept {
        return detail::counted(static_cast<state_type*>(base_.detach()));
    }
};

namespace detail {

/// Where a task of `loop` is to live. @throws loop_closed
inline runtime& runtime_of_open(event_loop& loop) {
    if (loop.is_closed()) throw loop_closed();
    loop.check_thread("create_task");
    return runtime::of(loop);
}

/// Makes a task of a coroutine, whose frame it takes. @returns a reference, for `counted`
template <typename T>
[[nodiscard]] task_state<T>* make_task(runtime& own, coro<T>& body, std::source_location where) {
    MAYHEM_CHECK(static_cast<bool>(body), "create_task was given an empty coroutine");
    context values = task_base::context_to_copy(own.loop());
    const std::source_location definition = body.definition();
    // (The frame is released after there is memory: `new` allocates before it evaluates these.)
    return new task_state<T>(own, definition, body.release(), std::move(values), where);
}

/// Makes a task and schedules its first step, whoever asks for it.
template <typename T>
[[nodiscard, gnu::cold, gnu::noinline]] task_state<T>* start_task_carefully(
    event_loop& loop, std::coroutine_handle<coro_promise<T>> released, std::source_location where) {
    coro<T> body(released);
    runtime& own = runtime_of_open(loop);
    task_state<T>* const state = make_task(own, body, where);
    state->start(own);
    return state;
}

/// Makes a task of a coroutine that was released, which is gone in any case, and schedules its
/// first step. Nearly all tasks are created by another one of their loop, while nothing special is
/// going on, and find their memory in stock: the short way is for those. It calls nothing, so no
/// register has to be saved.
template <typename T>
[[nodiscard, gnu::returns_nonnull]] task_state<T>* start_task(
    event_loop& loop, std::coroutine_handle<coro_promise<T>> released, std::source_location where) {
    using state_type = task_state<T>;
    const task_base* const creator = running_task();
    if (creator != nullptr && creator->creates_plain_tasks(loop) && released) [[likely]] {
        if (void* const memory = allocate_from_stock(sizeof(state_type))) [[likely]] {
            runtime& own = runtime::existing(loop);
            const std::source_location definition = released.promise().where();
            auto* const state =
                ::new (memory) state_type(own, definition, released, context(), where);
            state->start_plainly(loop, *creator);
            return state;
        }
    }
    return start_task_carefully<T>(loop, released, where);
}

template <typename T>
[[nodiscard, gnu::cold, gnu::noinline]] task_state<T>* start_named_task(
    event_loop& loop, coro<T>& body, std::string_view name, std::source_location where) {
    runtime& own = runtime_of_open(loop);
    task_state<T>* const state = make_task(own, body, where);
    state->set_first_name(name);
    state->start(own);
    return state;
}

/// A handle to a started task. Most have no name, as the compiler can see where they are created.
template <typename T>
task<T> start(event_loop& loop, coro<T>& body, std::string_view name, std::source_location where) {
    return task<T>(counted(name.empty() ? start_task(loop, body.release(), where)
                                        : start_named_task(loop, body, name, where)));
}

}  // namespace detail

/// Schedules a coroutine as a task of `loop`, by default the running one. It starts on the next
/// tick, never inline. The loop keeps it alive until it is done. @throws loop_closed
template <typename T>
task<T> create_task(event_loop& loop, coro<T> body, std::string_view name = {},
                    std::source_location where = std::source_location::current()) {
    return detail::start(loop, body, name, where);
}

template <typename T>
task<T> create_task(coro<T> body, std::string_view name = {},
                    std::source_location where = std::source_location::current()) {
    return detail::start(get_running_loop(), body, name, where);
}

/// Schedules something else that can be awaited: `create_task(queue.get())`.
template <detail::operation_to_start Operation>
auto create_task(Operation operation, std::string_view name = {},
                 std::source_location where = std::source_location::current()) {
    return create_task(detail::as_coro(std::move(operation)), name, where);
}

/// The task that is running on this thread; empty outside of tasks.
[[nodiscard]] task_ref current_task() noexcept;

/// Every task of the loop (by default the running one) that is not done, oldest first.
[[nodiscard]] std::vector<task_ref> all_tasks(event_loop& loop = get_running_loop());

}  // namespace mayhem
