// A limit on the time that a piece of work may take; asyncio.timeout, in function form, since C++
// has no asynchronous destructors.
//
// When the time is up, the task is cancelled: the work inside sees `cancelled` at its await, like
// any other request to stop, and may clean up. On its way out the scope turns that cancellation
// into timeout_error, but only if it is its own: a task that was cancelled by somebody else as well
// stays cancelled. The task's count of requests (cancelling) tells the two apart, and so, when
// scopes are nested, only the outermost whose time is up converts.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include "tasks/coro/awaitable.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/timeout_error.hpp"

namespace mayhem {

/// A limit that can be looked at and moved while the work runs. Used for one `run`.
///
///     timeout_scope limit(loop.time() + 10s);
///     co_await limit.run(upload(file, limit));   // upload may call limit.reschedule
class timeout_scope {
  public:
    /// Without a deadline until `reschedule` gives one.
    timeout_scope() noexcept = default;
    explicit timeout_scope(std::optional<time_point> when) noexcept : when_(when) {}
    timeout_scope(const timeout_scope&) = delete;
    timeout_scope& operator=(const timeout_scope&) = delete;
    ~timeout_scope() { alarm_.cancel(); }

    /// The deadline on the loop's clock, if there is one.
    [[nodiscard]] std::optional<time_point> when() const noexcept { return when_; }

    /// Moves the deadline, or removes it. One that has passed already cancels on the next tick.
    /// @throws std::logic_error unless the work runs and its time is not up.
    void reschedule(std::optional<time_point> when);

    /// True once the time was up while the work ran, whatever the work made of it.
    [[nodiscard]] bool expired() const noexcept {
        return state_ == state::expiring || state_ == state::expired;
    }

    /// Runs `body` in the current task, until it ends. Gives its value or throws its exception;
    /// throws timeout_error when the time was up and the body ended by `cancelled`. A body that
    /// swallows the cancellation and returns, or throws something else, has its way.
    template <typename T>
    coro<T> run(coro<T> body) {
        enter();
        result<T> outcome;
        try {
            if constexpr (std::is_void_v<T>) {
                co_await std::move(body);
                outcome.set_value();
            } else {
                outcome.set_value(co_await std::move(body));
            }
        } catch (...) {
            outcome.set_exception(std::current_exception());
        }
        leave(outcome.exception());
        co_return std::move(outcome).value();
    }

  private:
    enum class state { created, entered, expiring, expired, exited };

    void enter();
    void arm();
    void leave(const std::exception_ptr& error);
    void on_timeout() noexcept;

    std::optional<time_point> when_;
    handle alarm_;
    task_ref task_;
    int requests_before_ = 0;
    state state_ = state::created;
};

namespace detail {

template <typename T>
coro<T> run_until(std::optional<time_point> when, coro<T> body) {
    timeout_scope scope(when);
    co_return co_await scope.run(std::move(body));
}

/// The deadline counts from the start of the work.
template <typename T>
coro<T> run_for(duration delay, coro<T> body) {
    timeout_scope scope(deadline_after(get_running_loop().time(), delay));
    co_return co_await scope.run(std::move(body));
}

}  // namespace detail

/// Runs `body` in the current task for at most `delay`; asyncio.timeout. With a delay <= 0 the body
/// runs up to its first real wait. See timeout_scope::run for what it gives and throws.
/// @throws std::invalid_argument when the delay is NaN
template <typename Rep, typename Period, typename T>
coro<T> timeout(std::chrono::duration<Rep, Period> delay, coro<T> body) {
    return detail::run_for(to_duration(delay), std::move(body));
}

/// The same for anything that can be awaited: `timeout(1s, queue.get())`.
template <typename Rep, typename Period, detail::operation_to_start Operation>
auto timeout(std::chrono::duration<Rep, Period> delay, Operation operation) {
    return timeout(delay, detail::as_coro(std::move(operation)));
}

/// Runs `body` in the current task until `when` at the latest, on the loop's clock;
/// asyncio.timeout_at. Without a deadline there is no limit.
template <typename T>
coro<T> timeout_at(std::optional<time_point> when, coro<T> body) {
    return detail::run_until(when, std::move(body));
}

}  // namespace mayhem
