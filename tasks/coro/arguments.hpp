// The arguments of gather, wait_for, shield and their like: anything that can be awaited. What runs
// already is taken as it is; a coroutine, or an operation like `queue.get()`, becomes a task.
//
// Results follow the value category, as `co_await` does: an lvalue handle is looked at, and its
// result stays where it is; from an rvalue handle or a coroutine it is moved out.
#pragma once

#include <type_traits>
#include <utility>

#include "tasks/coro/awaitable.hpp"
#include "tasks/coro/task.hpp"

namespace mayhem::detail {

/// An argument as deduced from a forwarding reference.
template <typename Argument>
concept joinable = completion_handle<Argument> || is_coro_v<std::remove_cvref_t<Argument>> ||
                   operation_to_start<std::remove_cvref_t<Argument>>;

/// Starts what does not run yet. @returns a counted reference to the completion.
template <joinable Argument>
[[gnu::always_inline]] inline auto ensure_started(Argument&& argument) {
    using plain = std::remove_cvref_t<Argument>;
    if constexpr (completion_handle<plain>) {
        MAYHEM_CHECK(static_cast<bool>(argument), "an empty handle was given to be awaited");
        return argument.shared();
    } else if constexpr (is_coro_v<plain>) {
        static_assert(!std::is_lvalue_reference_v<Argument>,
                      "a coroutine runs once: pass std::move(coroutine)");
        MAYHEM_CHECK(static_cast<bool>(argument), "a coroutine was awaited twice");
        // There is no better place to name as the task's origin than the coroutine itself.
        const std::source_location origin = argument.definition();
        event_loop& loop = get_running_loop();
        return counted(start_task(loop, argument.release(), origin));
    } else {
        return create_task(std::forward<Argument>(argument)).shared();
    }
}

template <joinable Argument>
using state_of_t = std::remove_reference_t<decltype(*ensure_started(std::declval<Argument>()))>;

/// The type of the result, without regard to the value category.
template <joinable Argument>
struct argument_value {
    using type = awaited_t<std::remove_cvref_t<Argument>>;
};
template <completion_handle Argument>
struct argument_value<Argument> {
    using type = typename std::remove_cvref_t<Argument>::value_type;
};
template <joinable Argument>
using argument_value_t = typename argument_value<Argument>::type;

/// True when the result stays in the handle that the caller keeps.
template <typename Argument>
inline constexpr bool keeps_result_v =
    std::is_lvalue_reference_v<Argument> && completion_handle<Argument>;

/// What awaiting the argument gives: a reference to a result that stays, or the result.
template <joinable Argument>
using argument_reference_t =
    std::conditional_t<keeps_result_v<Argument>,
                       std::add_lvalue_reference_t<argument_value_t<Argument>>,
                       argument_value_t<Argument>>;

}  // namespace mayhem::detail
