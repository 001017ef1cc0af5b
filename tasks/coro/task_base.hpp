// A task without its result type: a coroutine that the loop drives, step by step.
//
//            create_task             step                        body ends
//   (coro) ------------> ready ------------> running ---------------------------> done
//                          ^                    |
//                          |  wait is over      |  awaits something that is not ready
//                          +----- suspended <---+
//
// Cancellation is asyncio's: edge-triggered, with a count. cancel() asks the suspension that the
// task waits on; the request is delivered once, as the exception `cancelled` at the await. What
// the coroutine makes of it is its own affair: it may clean up, it may even go on.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/coro/async_stack.hpp"
#include "tasks/coro/completion.hpp"
#include "tasks/coro/exception_word.hpp"

namespace mayhem {

class task_base : public completion {
  public:
    /// Takes the coroutine's frame over.
    task_base(runtime& own, std::source_location definition, std::coroutine_handle<> frame,
              detail::frame_handle outside, context values, std::source_location where) noexcept;
    /// Schedules the first step for the next tick. Called once, for a task that is complete.
    void start(runtime& own) noexcept;
    /// The same, on behalf of a task that `creates_plain_tasks`.
    void start_plainly(event_loop& loop, const task_base& creator) noexcept {
        parent_id_ = creator.id();
        loop.push_ready(*this);
    }
    /// Tasks that it creates now for `own` need no context, no protection, no check, and no note of
    /// their creation. REQUIRES: it runs.
    [[nodiscard]] bool creates_plain_tasks(event_loop& own) const noexcept {
        if (loop() != &own || !own.is_plain() || is_protected()) return false;
        const context* const active = own.active_context();
        return active != nullptr && active->is_empty();
    }
    /// For a task that was not started, which it ends when there is no memory for the name.
    [[gnu::cold]] void set_first_name(std::string_view name);
    /// What context::active() gives, found faster while the loop runs a step.
    [[nodiscard]] static const context& context_to_copy(event_loop& loop) noexcept {
        const context* const active = loop.active_context();
        return active != nullptr ? *active : context::active();
    }

    // What users see through task<T>; documented there.
    bool cancel() override;
    [[nodiscard]] int cancelling() const noexcept { return cancel_requests_; }
    int uncancel() noexcept;
    [[nodiscard]] std::string name() const;
    void set_name(std::string_view name);
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::string coro_name() const;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] std::string describe_briefly() const override;
    [[nodiscard]] std::vector<stack_frame> stack() const;
    [[nodiscard]] const std::source_location& created_at() const noexcept { return created_; }
    [[nodiscard]] std::uint64_t parent_id() const noexcept { return parent_id_; }
    [[nodiscard]] task_base* as_task() noexcept override { return this; }
    /// For who does not know the type of the result: throws what the task failed with, if it did.
    void value();
    [[nodiscard]] std::exception_ptr exception() const noexcept override {
        return done() ? thrown() : nullptr;
    }
    /// In a signal handler; see loop_extension::note_running.
    void note(stall_snapshot& into) const noexcept;
    void loop_closes() noexcept override;
    void protect() noexcept override;
    /// Extends a protection to what the task waits for now.
    void protect_awaited() noexcept {
        if (suspension* const waiting = waiting_on()) waiting->protect_target();
    }

    // For frames: who is the innermost, and what is thrown from one to the other.

    /// The innermost frame; null once the root has ended. For the loop's thread only: to
    /// others it is what the last step left, and may be destroyed.
    [[nodiscard]] detail::frame_handle top() const noexcept {
        const bool is_running = detail::running_task() == this;
        return is_running ? detail::running.top.load(std::memory_order_relaxed) : top_;
    }
    /// The exception that is on its way from a frame that ends to the one that awaits it: at any
    /// moment there is at most one. That of the root stays. REQUIRES: it runs, or has ended.
    void set_thrown(std::exception_ptr error) noexcept {
        MAYHEM_CHECK(may_hold_thrown(), "a task was to throw while it waits");
        const std::exception_ptr replaced = take_thrown();
        link_ = detail::to_word(std::move(error));
    }
    [[nodiscard]] bool has_thrown() const noexcept { return link_ != nullptr; }
    [[nodiscard]] std::exception_ptr thrown() const noexcept { return detail::copy_of_word(link_); }
    [[nodiscard]] std::exception_ptr take_thrown() noexcept {
        return detail::from_word(std::exchange(link_, nullptr));
    }

    // For suspensions (see suspension.hpp). Whoever ends a wait twice, or goes on with a task that
    // runs, is told so by an abort that names the task: its frames would be corrupt.
    void suspended_at(suspension& why) noexcept {
        link_ = &why;
        phase_ = phase::suspended;
    }
    void not_suspended() noexcept {
        leave(phase::suspended, "continued");
        enter(phase::running);
    }
    void wake() noexcept {
        leave(phase::suspended, "woken");
        phase_ = phase::ready;
        loop()->make_ready(*this);
    }
    /// Goes to the end of the line without having waited for anything.
    void yield() noexcept {
        phase_ = phase::ready;
        loop()->push_ready(*this);
    }
    /// Continues now, from a node that the loop runs.
    void resume() noexcept;
    [[nodiscard]] bool has_pending_cancel() const noexcept { return must_cancel_; }
    void set_pending_cancel(bool pending) noexcept { must_cancel_ = pending; }
    /// Two requests before the task runs are one exception.
    [[noreturn]] void raise_cancelled();

    void run() noexcept override;

    // For the shutdown, which asks each task once in each of its stages.
    [[nodiscard]] bool was_asked_to_end() const noexcept { return asked_to_end_; }
    void mark_asked_to_end(bool asked) noexcept { asked_to_end_ = asked; }

  protected:
    ~task_base() {
        MAYHEM_CHECK(top_ == nullptr, "a task was destroyed with its frames");
        if (has_thrown()) [[unlikely]]
            drop_thrown();
    }

    /// Its destructor would find nothing to do but to leave the registry. REQUIRES: it has ended,
    /// and so has neither frames nor waiters.
    [[nodiscard]] bool has_nothing_to_destroy() const noexcept {
        return !has_thrown() && context_.is_empty() && details() == nullptr;
    }

    /// Ends it with `cancelled`, unless it has thrown something else, and destroys its root.
    [[gnu::cold]] void end_cancelled(std::coroutine_handle<> root) noexcept;

  private:
    /// Into a phase in which the link holds what is thrown: nothing, at first. REQUIRES: nothing is
    /// in it that has to be released.
    void enter(phase next) noexcept {
        link_ = nullptr;
        phase_ = next;
    }
    [[nodiscard]] bool may_hold_thrown() const noexcept {
        return phase_ == phase::running || phase_ == phase::ended;
    }
    void set_cancelled() noexcept;
    [[gnu::cold]] void drop_thrown() noexcept;
    /// Null once the wait is over, although the task may not have gone on yet.
    [[nodiscard]] suspension* waiting_on() const noexcept {
        return phase_ == phase::suspended ? static_cast<suspension*>(link_) : nullptr;
    }
    void leave(phase expected, const char* what) const noexcept {
        if (phase_ != expected) [[unlikely]]
            fail_misuse(what);
    }
    [[noreturn, gnu::cold]] void fail_misuse(const char* what) const noexcept;
    void step() noexcept;
    [[gnu::cold]] void step_observed() noexcept;
    [[nodiscard]] bool run_until_suspended(event_loop& own) noexcept;
    void left() noexcept;
    struct chain_end {
        task_base* task;
        bool in_circle;
    };
    [[nodiscard]] task_base* awaited_task() const noexcept {
        const suspension* const waiting = waiting_on();
        return waiting != nullptr ? waiting->awaited_task() : nullptr;
    }
    [[nodiscard]] chain_end find_chain_end() noexcept;
    [[gnu::cold]] void end_unstarted() noexcept;
    void count_cancel_request() noexcept;
    void set_must_cancel(bool must) noexcept;
    void end() noexcept;
    void fail() noexcept;
    /// Of a coroutine that has not ended. REQUIRES: it is the only frame that is left.
    void destroy_root() noexcept {
        phase_ = phase::ended;
        std::exchange(top_, nullptr).destroy();
    }
    void destroy_frames() noexcept;
    [[nodiscard]] std::string describe_coroutine() const;
    [[nodiscard]] const char* describe_state() const noexcept;

    detail::frame_handle top_;  // as its last step left it: while it runs, see running_step
    std::uint64_t id_;
    std::uint64_t parent_id_ = 0;  // of the task that created it; 0: none did
    std::source_location definition_;
    context context_;
    std::source_location created_;
};

// ---- What suspensions ask of their task: every wait passes here ---------------------------

inline void suspension::suspend(std::coroutine_handle<> frame) noexcept {
    task_ = &detail::awaiting_task(frame);
    task_->suspended_at(*this);
}

inline void suspension::undo_suspend() noexcept { task_->not_suspended(); }

inline void suspension::deliver_pending_cancel() noexcept {
    if (task_->has_pending_cancel() && cancel()) task_->set_pending_cancel(false);
}

inline void suspension::wake() noexcept { task_->wake(); }
inline void suspension::resume() noexcept { task_->resume(); }

inline void suspension::throw_if_cancelled(bool by_this_wait) const {
    if (by_this_wait || task_->has_pending_cancel()) [[unlikely]]
        task_->raise_cancelled();
}

inline bool suspension::has_pending_cancel() const noexcept { return task_->has_pending_cancel(); }
inline void suspension::forget_pending_cancel() noexcept { task_->set_pending_cancel(false); }
inline void suspension::return_cancel_request() noexcept { task_->set_pending_cancel(true); }
inline event_loop& suspension::loop() const noexcept { return *task_->loop(); }

inline void detail::completion_wait::refuse_impossible(const task_base& awaiting) const {
    const bool is_itself = &awaiting == target_;
    if (is_itself || awaiting.loop() != target_->loop()) [[unlikely]]
        refuse(awaiting);
}

}  // namespace mayhem
