// What can be awaited, and how anything awaitable becomes a coroutine of its own, so that it can
// run as a task.
//
// The operations of this library that wait (`queue.get()`, `sleep(1s)`) are small movable values;
// the awaiter, which may not move, is made only by `co_await`. So they can be handed to gather,
// shield, wait_for and create_task as asyncio's coroutines can.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "tasks/coro/coro.hpp"

namespace mayhem::detail {

template <typename Awaitable>
decltype(auto) awaiter_of(Awaitable&& awaitable) {
    if constexpr (requires { static_cast<Awaitable&&>(awaitable).operator co_await(); }) {
        return static_cast<Awaitable&&>(awaitable).operator co_await();
    } else {
        return static_cast<Awaitable&&>(awaitable);
    }
}

/// Can be written after co_await. `Awaitable` is an lvalue reference for what has a name.
template <typename Awaitable>
concept awaitable = requires(Awaitable&& item) {
    { awaiter_of(static_cast<Awaitable&&>(item)).await_ready() } -> std::convertible_to<bool>;
    awaiter_of(static_cast<Awaitable&&>(item)).await_resume();
};

/// What co_await gives.
template <awaitable Awaitable>
using awaited_t = decltype(awaiter_of(std::declval<Awaitable>()).await_resume());

/// Refers to something that is running or done already: task, future, and what gather and shield
/// return.
template <typename T>
concept completion_handle = requires(const std::remove_cvref_t<T>& item) {
    typename std::remove_cvref_t<T>::value_type;
    typename std::remove_cvref_t<T>::state_type;
    { item.done() } -> std::convertible_to<bool>;
};

/// Waits as a coroutine of its own. The awaitable is moved into its frame.
template <typename Awaitable>
coro<awaited_t<Awaitable>> as_coro(Awaitable item) {
    co_return co_await std::move(item);
}

/// Can be moved into a coroutine of its own: neither a coroutine nor running already.
template <typename T>
concept operation_to_start =
    std::move_constructible<T> && std::same_as<T, std::remove_cvref_t<T>> && awaitable<T> &&
    !is_coro_v<T> && !completion_handle<T>;

}  // namespace mayhem::detail
