// Why a task is suspended, and how the wait ends.
//
// Every awaiter that really suspends derives from `suspension`: sleep, an I/O operation, a place
// in the queue of a lock, the end of another task. It lives in the awaiting frame. The task knows
// it, so that cancel() has somebody to ask and a stack dump something to say.
//
// The protocol:
//   1. `await_suspend` calls `suspend(frame)`, arranges for the end of the wait, and then calls
//      `deliver_pending_cancel()`: a cancellation may have been asked for before we got here.
//   2. The wait ends exactly once: either `wake()` makes the task ready, or the node that the loop
//      runs (a timer, an operation) calls `resume()`.
//   3. `cancel()` answers whether it took the request over. True: the wait is going to end, and
//      await_resume throws `cancelled` (or delivers what could not be stopped). False: the wait is
//      over already; the task keeps the request for later.
//   4. `await_resume` of a wait without a value starts with `throw_if_cancelled`; one with a value
//      delivers the value, and the request stays for the next await: nothing is lost.
#pragma once

#include <coroutine>
#include <string>

#include "tasks/coro/promise.hpp"
#include "tasks/coro/result.hpp"

namespace mayhem {

class event_loop;
class task_base;

class suspension {
  public:
    suspension() noexcept = default;
    suspension(const suspension&) = delete;
    suspension& operator=(const suspension&) = delete;

    /// See rule 3. Called on the loop's thread, at most once per wait.
    virtual bool cancel() noexcept = 0;

    /// The task, not done yet, that a cancellation is passed on to, or null: the wait is for a
    /// task.
    [[nodiscard]] virtual task_base* awaited_task() const noexcept { return nullptr; }

    /// Ends the wait for a task by `cancelled`, and leaves that task alone: tasks that wait for
    /// each other in a circle can be cancelled in no other way. REQUIRES: awaited_task() is not
    /// null.
    virtual void break_circle() noexcept {}

    /// The waiting task is protected from shutdown: what it waits for has to be, too.
    virtual void protect_target() noexcept {}

    /// What is waited for, for stack dumps: "sleep", "recv on descriptor 7".
    [[nodiscard]] virtual std::string describe() const = 0;

    [[nodiscard]] task_base* task() const noexcept { return task_; }

  protected:
    ~suspension() = default;

    /// The running task is now suspended here. REQUIRES: `frame` is its innermost, with which it
    /// continues.
    void suspend(std::coroutine_handle<> frame) noexcept;

    /// Takes `suspend` back, when arranging for the end of the wait has failed: await_suspend then
    /// throws, and the coroutine was never suspended.
    void undo_suspend() noexcept;

    /// If the task was cancelled before this wait began, asks this wait to end now.
    void deliver_pending_cancel() noexcept;

    /// Makes the task ready: it continues on the next tick.
    void wake() noexcept;

    /// Continues the task now: for nodes that the loop itself runs.
    void resume() noexcept;

    /// Throws `cancelled` when `by_this_wait` is true (this wait took a request over), or when a
    /// request came after the wait had ended.
    void throw_if_cancelled(bool by_this_wait) const;

    /// True when a request to cancel has not been raised yet.
    [[nodiscard]] bool has_pending_cancel() const noexcept;

    /// The task is about to hear of its cancellation in another way: requests that are still
    /// pending are delivered with it. (Two requests before a task runs are one exception.)
    void forget_pending_cancel() noexcept;

    /// A request that this wait took over was overtaken by a result: it goes back to the task, to
    /// be raised by the next await.
    void return_cancel_request() noexcept;

    [[nodiscard]] event_loop& loop() const noexcept;

  private:
    task_base* task_ = nullptr;
};

}  // namespace mayhem

// What is inline here is defined with the task, in task_base.hpp, which comes with this.
#include "tasks/coro/completion.hpp"
