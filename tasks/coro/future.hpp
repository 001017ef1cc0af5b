// A value that somebody will provide later, on the same loop. `promise<T>` provides it,
// `future<T>` awaits it; any number of tasks may await one future.
#pragma once

#include <string>
#include <utility>

#include "tasks/coro/completion.hpp"
#include "tasks/coro/outcome.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {

namespace detail {

template <typename T>
class future_state final : public with_outcome<completion, T> {
    using base = with_outcome<completion, T>;

  public:
    future_state(event_loop& loop, const std::source_location& where) : base(loop) {
        this->remember_creation(where);
    }
    using base::done;

    bool cancel() override {
        this->check_thread("future.cancel");
        if (done()) return false;
        this->outcome_.set_exception(std::make_exception_ptr(cancelled{}));
        complete(completion::state::cancelled);
        return true;
    }
    [[nodiscard]] std::string describe() const override {
        if (!done()) return "<Future pending>";
        return this->was_cancelled() ? "<Future cancelled>" : "<Future finished>";
    }

    template <typename... Args>
    void set_value(Args&&... args) {
        this->check_thread("promise.set_value");
        refuse_second();
        this->outcome_.set_value(std::forward<Args>(args)...);
        complete(completion::state::finished);
    }
    void set_exception(std::exception_ptr error) {
        this->check_thread("promise.set_exception");
        refuse_second();
        this->outcome_.set_exception(std::move(error));
        complete(completion::state::finished, true);
    }

  private:
    using base::complete;

    ~future_state() override { this->report_unretrieved("Future"); }

    void refuse_second() const {
        if (done()) throw invalid_state("The future has its result already, or was cancelled");
    }
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
