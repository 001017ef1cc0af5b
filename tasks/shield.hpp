// Protecting a task from the cancellation of those who wait for it; asyncio.shield.
//
// In asyncio a shielded task is still killed when the loop shuts down. Here a shield does what its
// name says: the task is *protected*, shutdown lets it run until the drain deadline, and only then
// cancels it.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "tasks/coro/arguments.hpp"
#include "tasks/coro/legs.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {

namespace detail {

/// The outer future: done when the inner one is, or when it was cancelled itself.
class shield_state_base : public completion, public leg_owner {
  public:
    explicit shield_state_base(counted<completion> inner);

    /// Called once.
    void start();

    /// Ends the wait, and leaves the inner task alone.
    bool cancel() override;
    [[nodiscard]] std::exception_ptr exception() const noexcept override { return error_; }
    [[nodiscard]] std::string describe() const override;
    void loop_closes() noexcept override;
    void protect() noexcept override;

    void leg_done(std::size_t index) noexcept override;
    void retain_for_legs() noexcept override { retain(); }
    void release_for_legs() noexcept override { release(); }

  protected:
    ~shield_state_base() = default;

    /// REQUIRES: done.
    void rethrow_error();
    [[nodiscard]] completion& inner() const noexcept { return *inner_; }

  private:
    void finish() noexcept;

    counted<completion> inner_;
    leg leg_;
    std::exception_ptr error_;
};

template <typename Inner, typename T>
class shield_state final : public shield_state_base {
  public:
    using shield_state_base::shield_state_base;

    std::add_lvalue_reference_t<T> value() {
        rethrow_error();
        return static_cast<Inner&>(inner()).value();
    }
    T take_value() {
        rethrow_error();
        return static_cast<Inner&>(inner()).take_value();
    }

  private:
    ~shield_state() = default;
    void dispose() noexcept override {
        this->report_unretrieved("Future");
        delete this;
    }
};

}  // namespace detail

/// What shield returns. Awaiting it gives what awaiting the shielded task would give.
template <typename Inner, typename T, typename Reference>
class [[nodiscard("await the shield to learn of errors")]] shielded {
  public:
    using value_type = T;
    using state_type = detail::shield_state<Inner, T>;

    explicit shielded(detail::counted<state_type> state) noexcept : state_(std::move(state)) {}

    [[nodiscard]] bool done() const noexcept { return state_->done(); }
    /// True when it was cancelled, or the shielded task was.
    [[nodiscard]] bool is_cancelled() const noexcept { return state_->was_cancelled(); }
    /// Ends the wait, and leaves the shielded task alone.
    bool cancel() { return state_->cancel(); }
    /// What it is and how far it is, for logs.
    [[nodiscard]] std::string describe() const { return state_->describe(); }
    /// Runs `function` on the tick after the wait is over.
    void add_done_callback(std::move_only_function<void()> function) {
        state_->add_done_callback(std::move(function));
    }

    auto operator co_await() & noexcept {
        return detail::completion_awaiter<state_type, std::add_lvalue_reference_t<T>>(state_);
    }
    auto operator co_await() && noexcept {
        return detail::completion_awaiter<state_type, Reference>(std::move(state_));
    }

    [[nodiscard]] const detail::counted<state_type>& shared() const noexcept { return state_; }
    explicit operator bool() const noexcept { return static_cast<bool>(state_); }

  private:
    detail::counted<state_type> state_;
};

/// Awaits `argument` (a coroutine becomes a task) so that cancelling the awaiting task ends the
/// wait and not the work. The work is protected from shutdown until the drain deadline. If the work
/// itself is cancelled, the awaiting task sees `cancelled`.
///
///     task<void> saving = create_task(save(message));
///     co_await shield(saving);      // cancelled here: `saving` goes on, and can be awaited again
template <detail::joinable Argument>
auto shield(Argument&& argument) {
    using inner_type = detail::state_of_t<Argument>;
    using value_type = detail::argument_value_t<Argument>;
    using shield_type = shielded<inner_type, value_type, detail::argument_reference_t<Argument>>;
    using state_type = typename shield_type::state_type;
    // A thread that runs no loop is refused before it touches the handle.
    static_cast<void>(get_running_loop());
    const auto inner = detail::ensure_started(std::forward<Argument>(argument));
    const detail::counted<state_type> state(
        new state_type(detail::counted<completion>::share(*inner)));
    state->start();
    return shield_type(state);
}

}  // namespace mayhem
