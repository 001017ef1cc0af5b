// A value that somebody will provide later, on the same loop. `promise<T>` provides it,
// `future<T>` awaits it; any number of tasks may await one future.
#pragma once

#include <string>
#include <utility>

#include "tasks/coro/completion.hpp"
#include "tasks/coro/result.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {

namespace detail {

/// Looking at the value or the error counts as retrieving. (A task keeps its own in a smaller
/// space: see task_state.)
template <typename T>
class future_state final : public completion {
  public:
    future_state(event_loop& loop, const std::source_location& where) : completion(loop) {
        remember_creation(where);
    }

    [[nodiscard]] std::exception_ptr exception() const noexcept override {
        return outcome_.exception();
    }
    /// A reference to the value, or throws. @throws invalid_state while it is pending
    decltype(auto) value() {
        retrieve();
        return outcome_.value();
    }
    /// The value, moved out.
    T take_value() {
        retrieve();
        return std::move(outcome_).value();
    }

    bool cancel() override {
        check_thread("future.cancel");
        if (done()) return false;
        outcome_.set_exception(std::make_exception_ptr(cancelled{}));
        complete(state::cancelled);
        return true;
    }
    [[nodiscard]] std::string describe() const override {
        if (!done()) return "<Future pending>";
        return was_cancelled() ? "<Future cancelled>" : "<Future finished>";
    }

    template <typename... Args>
    void set_value(Args&&... args) {
        check_thread("promise.set_value");
        refuse_second();
        outcome_.set_value(std::forward<Args>(args)...);
        complete(state::finished);
    }
    void set_exception(std::exception_ptr error) {
        check_thread("promise.set_exception");
        refuse_second();
        outcome_.set_exception(std::move(error));
        complete(state::finished, true);
    }

  private:
    ~future_state() = default;
    void dispose() noexcept override {
        report_unretrieved("Future");
        delete this;
    }

    void refuse_second() const {
        if (done()) throw invalid_state("The future has its result already, or was cancelled");
    }

    result<T> outcome_;
};

}  // namespace detail

/// The awaiting end; copies refer to the same state. Awaiting an lvalue gives a reference to the
/// value, awaiting an rvalue moves it out. Cancelling a task that awaits a future cancels the
/// future, and with it everybody else who awaits it (use `shield` against that); asyncio does too.
template <typename T = void>
class future {
  public:
    using value_type = T;
    using state_type = detail::future_state<T>;

    future() noexcept = default;
    explicit future(detail::counted<state_type> state) noexcept : state_(std::move(state)) {}

    [[nodiscard]] bool done() const noexcept { return state_->done(); }
    /// True when it was cancelled.
    [[nodiscard]] bool is_cancelled() const noexcept { return state_->was_cancelled(); }
    /// Cancels it; @returns false when it is done already.
    bool cancel() { return state_->cancel(); }
    /// The value; throws what it failed with, or invalid_state while it is pending.
    decltype(auto) value() { return state_->value(); }
    [[nodiscard]] std::exception_ptr exception() const noexcept {
        state_->mark_retrieved();
        return state_->exception();
    }
    /// Runs `function` on the tick after it is done.
    void add_done_callback(std::move_only_function<void()> function,
                           std::source_location where = std::source_location::current()) {
        state_->add_done_callback(std::move(function), where);
    }

    auto operator co_await() & noexcept {
        return detail::completion_awaiter<state_type, std::add_lvalue_reference_t<T>>(state_);
    }
    auto operator co_await() && noexcept {
        return detail::completion_awaiter<state_type, T>(std::move(state_));
    }

    [[nodiscard]] const detail::counted<state_type>& shared() const noexcept { return state_; }
    explicit operator bool() const noexcept { return static_cast<bool>(state_); }

  private:
    detail::counted<state_type> state_;
};

/// The providing end. Copyable, like asyncio's future handed around; whoever is first decides.
template <typename T = void>
class promise {
  public:
    /// Belongs to `loop`, by default the running one.
    explicit promise(event_loop& loop = get_running_loop(),
                     std::source_location where = std::source_location::current())
        : state_(new detail::future_state<T>(loop, where)) {}

    [[nodiscard]] future<T> get_future() const noexcept { return future<T>(state_); }

    /// @throws invalid_state when it is decided already or the future was cancelled.
    template <typename... Args>
    void set_value(Args&&... args) {
        state_->set_value(std::forward<Args>(args)...);
    }
    void set_exception(std::exception_ptr error) { state_->set_exception(std::move(error)); }
    /// True when a value or exception can no longer be set.
    [[nodiscard]] bool done() const noexcept { return state_->done(); }

  private:
    detail::counted<detail::future_state<T>> state_;
};

}  // namespace mayhem
