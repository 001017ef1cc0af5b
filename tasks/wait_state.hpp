// The part of wait and wait_for that does not depend on types.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "tasks/coro/completion.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/legs.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {

/// What ends a `wait`.
enum class return_when {
    all_completed,    ///< everything is done
    first_completed,  ///< anything is done
    first_exception,  ///< anything has failed (being cancelled is no failure), or all is done
};

namespace detail {

/// The future that a waiting task is suspended on: done when enough of the others are.
class wait_state final : public completion, public leg_owner {
  public:
    wait_state(event_loop& loop, return_when until) : completion(loop), until_(until) {}

    void start(const std::vector<counted<completion>>& targets) { legs_.attach(*this, targets); }
    void stop() noexcept { legs_.detach(); }
    /// The time is up, or enough is done.
    void release_waiter() noexcept;

    [[nodiscard]] const leg_set& legs() const noexcept { return legs_; }

    /// Ends the wait, and leaves what is waited for alone.
    bool cancel() override;
    [[nodiscard]] std::exception_ptr exception() const noexcept override { return error_; }
    [[nodiscard]] std::string describe() const override;
    void loop_closes() noexcept override;
    void protect() noexcept override;

    void value() const {
        if (error_) std::rethrow_exception(error_);
    }

    void leg_done(std::size_t index) noexcept override;
    void retain_for_legs() noexcept override { retain(); }
    void release_for_legs() noexcept override { release(); }

  private:
    ~wait_state() = default;
    void dispose() noexcept override { delete this; }

    leg_set legs_;
    std::size_t finished_ = 0;
    std::exception_ptr error_;
    return_when until_;
};

/// Waits for `targets` as `until` says, at most `timeout`. The state tells afterwards what is done.
coro<counted<wait_state>> wait_for_some(std::vector<counted<completion>> targets, return_when until,
                                        std::optional<duration> timeout);

/// Cancels `target` and waits until it is done. Does not throw what it failed with.
coro<void> cancel_and_wait(counted<completion> target);

}  // namespace detail
}  // namespace mayhem
