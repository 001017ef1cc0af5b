// The part of gather that does not depend on the types of its arguments: when it is done, and with
// which error. It is what asyncio calls _GatheringFuture.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <vector>

#include "tasks/coro/completion.hpp"
#include "tasks/coro/legs.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem::detail {

/// What gather does with the exceptions of its children.
enum class gather_errors { raise, collect };

class gather_state : public completion, public leg_owner {
  public:
    gather_state(event_loop& loop, gather_errors errors) : completion(loop), errors_(errors) {}

    /// How many children there are going to be. Called once; without any it is done.
    void expect(std::size_t children);
    /// The same, with their legs in the derived state itself.
    void expect(std::span<leg_set::entry> legs);
    /// The next one, which has been started. Each is attached before the next is started, as in
    /// asyncio: one that is done already is noticed before those behind it run.
    void add(counted<completion> child) { children_.attach(*this, std::move(child)); }
    /// The same for one that was created for this gather, and so does not come twice.
    void add_new(counted<completion> child) noexcept {
        children_.attach_new(*this, std::move(child));
    }
    /// The others cannot be started: waits for none of them.
    void give_up() noexcept { children_.detach(); }

    /// Cancels every child. @returns false when none is left to be cancelled.
    bool cancel() override;
    [[nodiscard]] std::exception_ptr exception() const noexcept override { return error_; }
    [[nodiscard]] std::string describe() const override;
    void loop_closes() noexcept override;
    void protect() noexcept override;

    void leg_done(std::size_t index) noexcept override;
    void retain_for_legs() noexcept override { retain(); }
    void release_for_legs() noexcept override { release(); }

    [[nodiscard]] const leg_set& children() const noexcept { return children_; }

  protected:
    ~gather_state() = default;

    void rethrow_error() {
        mark_retrieved();
        if (error_) std::rethrow_exception(error_);
    }

  private:
    void fail(std::exception_ptr error) noexcept;
    // (Apart, so that what nearly always happens has nothing to clean up.)
    [[gnu::cold, gnu::noinline]] void fail_as(const completion& child) noexcept;
    [[gnu::cold, gnu::noinline]] void fail_cancelled() noexcept;

    leg_set children_;
    std::size_t finished_ = 0;
    std::exception_ptr error_;
    gather_errors errors_;
    bool cancel_requested_ = false;
    bool asking_children_ = false;
};

}  // namespace mayhem::detail
