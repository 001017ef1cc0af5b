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

#include <coroutine>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/coro/async_stack.hpp"
#include "tasks/coro/completion.hpp"

namespace mayhem {

class task_base : public completion, public runnable, public detail::frame_chain {
  public:
    /// Takes the coroutine's frame over and schedules its first step for the next tick. (When that
    /// fails for want of memory, the frame is destroyed.)
    task_base(event_loop& loop, detail::unique_frame frame, detail::promise_base& root,
              std::string_view name, const std::source_location& where);

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
    void suspended_at(std::coroutine_handle<> frame, suspension& why) noexcept {
        resume_point_ = frame;
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
    /// Continues now, from a node that the loop runs.
    void resume() noexcept {
        leave(phase::suspended, "resumed");
        step();
    }
    [[nodiscard]] bool has_pending_cancel() const noexcept { return must_cancel_; }
    void set_pending_cancel(bool pending) noexcept { must_cancel_ = pending; }
    void root_ended() noexcept { root_ended_ = true; }

    void run() noexcept override {
        leave(phase::ready, "run");
        step();
    }

    // For the shutdown, which asks each task once in each of its stages.
    [[nodiscard]] bool was_asked_to_end() const noexcept { return asked_to_end_; }
    void mark_asked_to_end(bool asked) noexcept { asked_to_end_ = asked; }

  protected:
    ~task_base() override;

    /// Moves the outcome out of the root's promise. Called once, before the frame is destroyed.
    virtual void take_outcome() noexcept = 0;
    virtual void set_cancelled_outcome() noexcept = 0;

    /// REQUIRES: the frame is not destroyed yet.
    [[nodiscard]] std::coroutine_handle<> root_frame() const noexcept { return frame_.get(); }

  private:
    enum class phase : std::uint8_t {
        ready,      // in the ready queue, or being started
        running,    // its frames are on the thread's stack
        suspended,  // waits for what waiting_on_ says
        ended,
    };
    void leave(phase expected, const char* what) const noexcept {
        if (phase_ != expected) [[unlikely]]
            fail_misuse(what);
    }
    [[noreturn]] void fail_misuse(const char* what) const noexcept;
    /// Continues the coroutine until it suspends again or ends.
    void step() noexcept;
    struct chain_end {
        task_base* task;
        bool in_circle;
    };
    [[nodiscard]] task_base* awaited_task() const noexcept {
        return waiting_on_ != nullptr ? waiting_on_->awaited_task() : nullptr;
    }
    [[nodiscard]] chain_end find_chain_end() noexcept;
    void finish() noexcept;
    void destroy_frames() noexcept;
    [[nodiscard]] std::string describe_coroutine() const;
    [[nodiscard]] const char* describe_state() const noexcept;

    detail::unique_frame frame_;
    detail::promise_base* root_;            // the promise of frame_; null once it is destroyed
    std::coroutine_handle<> resume_point_;  // the innermost frame
    suspension* waiting_on_ = nullptr;      // null while ready or running
    std::uint64_t id_;
    std::uint64_t parent_id_ = 0;  // of the task that created it; 0: none did
    std::source_location definition_;
    std::source_location created_;
    context context_;
    std::string name_;                     // empty: "Task-<id>"
    std::atomic<bool> is_renamed_{false};  // just now: a signal handler must not read the name
    int cancel_requests_ = 0;
    bool must_cancel_ = false;
    bool root_ended_ = false;
    bool has_started_ = false;
    bool asked_to_end_ = false;
    phase phase_ = phase::ready;
};

}  // namespace mayhem
