// One await with a limit; asyncio.wait_for.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "tasks/coro/arguments.hpp"
#include "tasks/timeout.hpp"
#include "tasks/wait_state.hpp"

namespace mayhem {

namespace detail {

template <typename Reference, typename Handle>
coro<Reference> await_handle(Handle handle) {
    if constexpr (std::is_lvalue_reference_v<Reference>) {
        co_return co_await handle;
    } else {
        co_return co_await std::move(handle);
    }
}

/// A limit that has passed before we began: what is done already gives its value, everything else
/// is cancelled, and a coroutine is not even started.
template <typename Reference, typename State>
coro<Reference> wait_no_longer(counted<State> state) {
    if (!state->done()) {
        co_await cancel_and_wait(counted<completion>::share(*state));
        if (state->was_cancelled()) throw timeout_error();
    }
    if constexpr (std::is_lvalue_reference_v<Reference> || std::is_void_v<Reference>) {
        co_return state->value();
    } else {
        co_return state->take_value();
    }
}

/// An awaiter that can neither be moved nor become a task. It lives as long as the full expression
/// `co_await wait_for(stream.read(), 1s)`, and so does this coroutine.
template <typename Awaiter>
coro<awaited_t<Awaiter>> await_in_place(Awaiter& awaiter) {
    co_return co_await std::move(awaiter);
}

template <typename Awaiter>
concept awaitable_in_place =
    awaitable<Awaiter> && !joinable<Awaiter> && !std::is_lvalue_reference_v<Awaiter>;

}  // namespace detail

/// Awaits `argument` for at most `delay`. When the time is up, it is cancelled, and once it has
/// ended, timeout_error is thrown; if it ended with a value or another exception all the same,
/// those are given. A coroutine runs in the current task. A task or future is cancelled, too, when
/// the time is up: wait for `shield(task)` to prevent that.
///
/// With a delay <= 0 a coroutine is not started, and a future that is done gives its value.
/// An lvalue handle gives a reference to its result, everything else the result.
template <detail::joinable Argument, typename Rep, typename Period>
auto wait_for(Argument&& argument, std::chrono::duration<Rep, Period> delay)
    -> coro<detail::argument_reference_t<Argument>> {
    using plain = std::remove_cvref_t<Argument>;
    using reference = detail::argument_reference_t<Argument>;
    const duration limit = to_duration(delay);
    if (limit <= duration{0}) {
        return detail::wait_no_longer<reference>(
            detail::ensure_started(std::forward<Argument>(argument)));
    }
    if constexpr (detail::completion_handle<plain>) {
        return detail::run_for(
            limit, detail::await_handle<reference, plain>(std::forward<Argument>(argument)));
    } else if constexpr (is_coro_v<plain>) {
        return detail::run_for(limit, std::move(argument));
    } else {
        return detail::run_for(limit, detail::as_coro<plain>(std::forward<Argument>(argument)));
    }
}

/// The same for an awaiter that cannot be moved. Await the result in the same expression.
template <detail::awaitable_in_place Awaiter, typename Rep, typename Period>
auto wait_for(Awaiter&& awaiter, std::chrono::duration<Rep, Period> delay) {
    return detail::run_for(to_duration(delay), detail::await_in_place<Awaiter>(awaiter));
}

}  // namespace mayhem
