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
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/coro/async_stack.hpp"
#include "tasks/coro/completion.hpp"

namespace mayhem {

// (A runnable first: what the loop calls most needs no adjustment of `this` then.)
class task_base : public runnable, public completion, public detail::frame_chain {
  public:
    /// Takes the coroutine's frame over.
    task_base(runtime& own, std::coroutine_handle<> frame, context values,
              std::source_location where) noexcept;
    /// Schedules the first step for the next tick. Called once, for a task that is complete.
    void start(runtime& own) noexcept;
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
    [[nodiscard]] std::exception_ptr exception() const noexcept override { return thrown(); }
    /// In a signal handler; see loop_extension::note_running.
    void note(stall_snapshot& into) const noexcept;
    void loop_closes() noexcept override;
    void protect() noexcept override;
    /// Extends a protection to what the task waits for now.
    void protect_awaited() noexcept {
        if (waiting_on_ != nullptr) waiting_on_->protect_target();
    }

    // For suspensions (see suspension.hpp). Whoever ends a wait twice, or goes on with a task that
    // runs, is told so by an abort that names the task: its frames would be corrupt.
    void suspended_at(suspension& why) noexcept {
        waiting_on_ = &why;
        phase_ = phase::suspended;
    }
    void not_suspended() noexcept {
        waiting_on_ = nullptr;
        phase_ = phase::running;
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
    void resume() noexcept {
        leave(phase::suspended, "resumed");
        step();
    }
    [[nodiscard]] bool has_pending_cancel() const noexcept { return must_cancel_; }
    void set_pending_cancel(bool pending) noexcept { must_cancel_ = pending; }
    /// Two requests before the task runs are one exception.
    [[noreturn]] void raise_cancelled();

    void run() noexcept override {
        if (phase_ > phase::ready) [[unlikely]]
            return end_unstarted();
        step();
    }

    // For the shutdown, which asks each task once in each of its stages.
    [[nodiscard]] bool was_asked_to_end() const noexcept { return asked_to_end_; }
    void mark_asked_to_end(bool asked) noexcept { asked_to_end_ = asked; }

  protected:
    ~task_base() {
        MAYHEM_CHECK(!frame_, "a task was destroyed with its frame");
        if (const std::string* name = name_.load(std::memory_order_relaxed)) [[unlikely]]
            drop_name(name);
    }

    /// Moves the value, if there is one, out of the root's promise. Called once, before the frame
    /// is destroyed.
    virtual void take_outcome() noexcept = 0;

    /// REQUIRES: the frame is not destroyed yet.
    [[nodiscard]] std::coroutine_handle<> root_frame() const noexcept { return frame_; }
    /// For take_outcome: what a task that was asked to stop, and has nothing to give, ends with.
    void set_cancelled() noexcept;

  private:
    enum class phase : std::uint16_t {
        created,    // in the ready queue for its first step
        ready,      // in the ready queue
        running,    // its frames are on the thread's stack
        suspended,  // waits for what waiting_on_ says
        ended,
        unwanted,  // cancelled before its first step, for which it is in the ready queue
    };
    void leave(phase expected, const char* what) const noexcept {
        if (phase_ != expected) [[unlikely]]
            fail_misuse(what);
    }
    [[noreturn, gnu::cold]] void fail_misuse(const char* what) const noexcept;
    /// Continues the coroutine until it suspends again or ends.
    void step() noexcept;
    void step_observed() noexcept;
    [[nodiscard]] bool run_until_suspended() noexcept;
    struct chain_end {
        task_base* task;
        bool in_circle;
    };
    [[nodiscard]] task_base* awaited_task() const noexcept {
        return waiting_on_ != nullptr ? waiting_on_->awaited_task() : nullptr;
    }
    [[nodiscard]] chain_end find_chain_end() noexcept;
    [[gnu::cold]] void end_unstarted() noexcept;
    void set_must_cancel(bool must) noexcept;
    void end() noexcept;
    void fail() noexcept;
    void destroy_root() noexcept {
        set_top(outside());
        phase_ = phase::ended;
        std::exchange(frame_, nullptr).destroy();
    }
    [[gnu::cold]] static void drop_name(const std::string* name) noexcept;
    void destroy_frames() noexcept;
    [[nodiscard]] std::string describe_coroutine() const;
    [[nodiscard]] const char* describe_state() const noexcept;

    std::coroutine_handle<> frame_;     // the root's, owned; null once the task has ended
    suspension* waiting_on_ = nullptr;  // null while running
    std::uint64_t id_;
    std::uint64_t parent_id_ = 0;  // of the task that created it; 0: none did
    std::source_location definition_;
    std::source_location created_;
    context context_;
    // Null: "Task-<id>". The string never changes: a new name is a new string, so that a signal
    // handler on this thread may read it at any moment.
    std::atomic<const std::string*> name_{nullptr};
    // (One word without a gap, so that it is written at once.)
    int cancel_requests_ = 0;
    bool must_cancel_ = false;
    bool asked_to_end_ = false;
    phase phase_ = phase::created;
};

// ---- What suspensions ask of their task: every wait passes here ---------------------------

inline void suspension::suspend(detail::promise_base& promise) noexcept {
    task_ = &static_cast<task_base&>(*promise.task);
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

inline void detail::completion_wait::refuse_impossible(const frame_chain* awaiting) const {
    const auto& task = static_cast<const task_base&>(*awaiting);
    const bool is_itself = static_cast<const completion*>(&task) == target_;
    if (is_itself || task.loop() != target_->loop()) [[unlikely]]
        refuse(task);
}

}  // namespace mayhem
