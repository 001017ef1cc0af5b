// Tasks that wait in line: the queue inside every lock, event, semaphore and queue.
#pragma once

#include <string_view>

#include "loop/intrusive_list.hpp"
#include "loop/loop_binding.hpp"
#include "tasks/coro/suspension.hpp"

namespace mayhem {

class wait_queue;

/// A task's place in a wait queue; the base of the primitives' awaiters. The wait ends when it is
/// woken or when its task is cancelled; the awaiter stays known to the queue until it is destroyed.
class parked : public suspension, public list_hook<parked> {
  public:
    bool cancel() noexcept override;

    /// True when the wait ended by cancellation, and not by `wake_one` or `wake_all`.
    [[nodiscard]] bool was_cancelled() const noexcept { return cancelled_; }

    /// True when the queue died first, during the wait or between its end and the next step of the
    /// task. Whoever owned the queue must not be touched any more. An orphan that was still waiting
    /// can only be ended by cancellation.
    [[nodiscard]] bool is_orphaned() const noexcept { return orphaned_; }

  protected:
    parked() noexcept = default;
    ~parked() {
        if (line_ != nullptr) leave_line();  // most have not waited
    }

    /// Suspends the awaiting task at the end of `line`. Call from await_suspend.
    template <typename Promise>
    void park(std::coroutine_handle<Promise> frame, wait_queue& line) noexcept {
        suspend(frame);
        enter(line);
        deliver_pending_cancel();
    }

    /// True when the task has to hear of a cancellation now: of this wait, or asked for after the
    /// wait had ended. What was handed over is then to be passed on.
    [[nodiscard]] bool cancel_is_due() const noexcept;

    /// For await_resume of a wait without a value: throws when `cancel_is_due`.
    void throw_if_wait_cancelled() const { throw_if_cancelled(cancelled_); }

  private:
    friend class wait_queue;
    void enter(wait_queue& line) noexcept;
    void leave_line() noexcept;
    void end_wait() noexcept;

    wait_queue* line_ = nullptr;  // null before the wait, and for orphans
    bool ended_ = false;          // woken or cancelled: the task is ready
    bool cancelled_ = false;
    bool orphaned_ = false;
};

/// First come, first served. Its owner may die before the waiters: a queue may be a local of the
/// main task, which ends while workers wait for it. They are then orphans.
class wait_queue {
  public:
    wait_queue() noexcept = default;
    wait_queue(const wait_queue&) = delete;
    wait_queue& operator=(const wait_queue&) = delete;
    ~wait_queue() {
        waiting_.splice(ended_);
        while (parked* waiter = waiting_.pop_front()) {
            waiter->line_ = nullptr;
            waiter->orphaned_ = true;
        }
    }

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::size_t size() noexcept { return waiting_.size(); }

    /// For the owner's entry points: in debug mode, throws loop_error on a foreign thread.
    void check_thread(std::string_view what) const { binding_.check_thread(what); }
    /// The same for destructors: logs, and @returns false when nothing must be done.
    [[nodiscard]] bool allows(std::string_view what) const noexcept {
        return binding_.allows(what);
    }

    /// The first in line, or null. It stays in line.
    [[nodiscard]] parked* front() noexcept { return waiting_.front(); }

    /// Takes the first out and makes its task ready. @returns it, or null when nobody waits. The
    /// pointer is valid until the task runs, so the owner may hand something over through it.
    parked* wake_one() noexcept { return empty() ? nullptr : wake_first(); }

    /// Wakes everybody who is waiting now.
    void wake_all() noexcept {
        while (!empty()) wake_first();
    }

  private:
    friend class parked;
    parked* wake_first() noexcept;

    intrusive_list<parked, parked> waiting_;
    intrusive_list<parked, parked> ended_;  // their tasks have not run yet
    detail::loop_binding binding_;
};

}  // namespace mayhem
