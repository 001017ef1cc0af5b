// Awaiting several things at once; asyncio.gather.
//
//     auto [user, orders] = co_await gather(load_user(id), load_orders(id));     // a tuple
//     std::vector<page> pages = co_await gather(std::move(downloads));           // a vector
//     auto [a, b] = co_await gather(return_exceptions, first(), second());       // of result<T>
//
// A child's end is noticed on the next tick, and the awaiting task continues on the tick after
// that, as in asyncio.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tasks/coro/arguments.hpp"
#include "tasks/gather_state.hpp"

namespace mayhem {

/// The first argument of a gather that gives outcomes instead of throwing the first error.
struct return_exceptions_t {
    explicit return_exceptions_t() = default;
};
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {

/// void becomes std::monostate, where there has to be a value.
template <typename T>
using storable_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Reads the result of child `index`, whose argument was an `Argument`.
template <typename Argument>
argument_value_t<Argument> read_value(const leg_set& children, std::size_t index) {
    using value_type = argument_value_t<Argument>;
    auto& child = static_cast<state_of_t<Argument>&>(children.target(index));
    if constexpr (std::is_void_v<value_type>) {
        child.value();
    } else if constexpr (std::is_reference_v<value_type>) {
        return static_cast<value_type>(child.value());
    } else if constexpr (keeps_result_v<Argument>) {
        static_assert(std::copy_constructible<value_type>,
                      "gather copies the result of a task that you keep; "
                      "pass std::move(task) to have it moved");
        return child.value();
    } else {
        if (!children.comes_again(index)) return child.take_value();
        constexpr bool can_be_copied = std::copy_constructible<value_type> &&
                                       requires { static_cast<const value_type&>(child.value()); };
        if constexpr (can_be_copied) {
            return child.value();
        } else {
            throw std::logic_error(
                "gather was given the same task twice, "
                "and its result cannot be copied");
        }
    }
}

template <typename Argument>
result<argument_value_t<Argument>> read_result(const leg_set& children, std::size_t index) {
    using value_type = argument_value_t<Argument>;
    result<value_type> outcome;
    completion& child = children.target(index);
    if (std::exception_ptr error = child.exception()) {
        outcome.set_exception(std::move(error));
    } else if constexpr (std::is_void_v<value_type>) {
        read_value<Argument>(children, index);
        outcome.set_value();
    } else {
        outcome.set_value(read_value<Argument>(children, index));
    }
    return outcome;
}

/// One element of what gather gives.
template <gather_errors Errors, typename Argument>
auto read_child(const leg_set& children, std::size_t index)
    -> std::conditional_t<Errors == gather_errors::collect, result<argument_value_t<Argument>>,
                          storable_t<argument_value_t<Argument>>> {
    if constexpr (Errors == gather_errors::collect) {
        return read_result<Argument>(children, index);
    } else if constexpr (std::is_void_v<argument_value_t<Argument>>) {
        return {};  // all have succeeded: there is nothing to be read, and nothing to be thrown
    } else {
        return read_value<Argument>(children, index);
    }
}

template <gather_errors Errors, typename... Arguments>
struct tuple_reader {
    static constexpr gather_errors errors = Errors;
    static constexpr std::size_t count = sizeof...(Arguments);
    using value_type =
        std::tuple<decltype(read_child<Errors, Arguments>(std::declval<leg_set&>(), 0))...>;

    static value_type read(const leg_set& children) {
        return read(children, std::index_sequence_for<Arguments...>{});
    }
    template <std::size_t... Index>
    static value_type read([[maybe_unused]] const leg_set& children,
                           std::index_sequence<Index...>) {
        return value_type{read_child<Errors, Arguments>(children, Index)...};
    }
};

template <gather_errors Errors, typename Argument>
struct vector_reader {
    static constexpr gather_errors errors = Errors;
    static constexpr std::size_t count = 0;  // nobody knows yet
    using child_type = argument_value_t<Argument>;
    using element_type = decltype(read_child<Errors, Argument>(std::declval<leg_set&>(), 0));
    static constexpr bool gives_nothing =
        Errors == gather_errors::raise && std::is_void_v<child_type>;
    using stored_type =
        std::conditional_t<std::is_reference_v<element_type>,
                           std::reference_wrapper<std::remove_reference_t<element_type>>,
                           element_type>;
    using value_type = std::conditional_t<gives_nothing, void, std::vector<stored_type>>;

    static value_type read(const leg_set& children) {
        if constexpr (!gives_nothing) {
            std::vector<stored_type> values;
            values.reserve(children.size());
            for (std::size_t index = 0; index < children.size(); ++index) {
                values.push_back(read_child<Errors, Argument>(children, index));
            }
            return values;
        }
    }
};

template <typename Reader>
class typed_gather_state final : public gather_state {
  public:
    using value_type = typename Reader::value_type;
    explicit typed_gather_state(event_loop& loop) : gather_state(loop, Reader::errors) {}

    void expect_arguments() { expect(std::span(legs_)); }

    value_type take_value() {
        rethrow_error();
        return Reader::read(children());
    }
    /// For awaiters of nothing.
    void value()
        requires std::is_void_v<value_type>
    {
        rethrow_error();
    }

  private:
    ~typed_gather_state() = default;
    void dispose() noexcept override {
        this->report_unretrieved("_GatheringFuture");
        delete this;
    }

    std::array<leg_set::entry, Reader::count> legs_;
};

}  // namespace detail

/// What gather returns: the children run already; await it once, as an rvalue. Dropping it leaves
/// the children running.
template <typename Reader>
class [[nodiscard("await the gather to learn of errors")]] gathering {
  public:
    using value_type = typename Reader::value_type;
    using state_type = detail::typed_gather_state<Reader>;

    explicit gathering(detail::counted<state_type> state) noexcept : state_(std::move(state)) {}

    [[nodiscard]] bool done() const noexcept { return state_->done(); }
    /// True when it ended by cancellation, its own or a child's.
    [[nodiscard]] bool is_cancelled() const noexcept { return state_->was_cancelled(); }
    /// Cancels every child. @returns false when none is left to be cancelled.
    bool cancel() { return state_->cancel(); }
    /// What it is and how far it is, for logs.
    [[nodiscard]] std::string describe() const { return state_->describe(); }
    /// Runs `function` on the tick after it is done.
    void add_done_callback(std::move_only_function<void()> function) {
        state_->add_done_callback(std::move(function));
    }

    auto operator co_await() && noexcept {
        return detail::completion_awaiter<state_type, value_type>(std::move(state_));
    }

    [[nodiscard]] const detail::counted<state_type>& shared() const noexcept { return state_; }
    explicit operator bool() const noexcept { return static_cast<bool>(state_); }

  private:
    detail::counted<state_type> state_;
};

namespace detail {

/// Starts a child, if it does not run yet.
template <typename Argument>
[[gnu::always_inline]] inline void add_child(gather_state& state, Argument&& argument) {
    counted<completion> child(ensure_started(std::forward<Argument>(argument)));
    if constexpr (completion_handle<std::remove_cvref_t<Argument>>) {
        state.add(std::move(child));
    } else {
        state.add_new(std::move(child));
    }
}

/// A new gather, whose children `start_children(state)` expects, starts and adds one by one.
template <typename Reader, typename Start>
gathering<Reader> start_gather(Start start_children) {
    using state_type = typed_gather_state<Reader>;
    counted<state_type> state(new state_type(get_running_loop()));
    try {
        start_children(*state);
    } catch (...) {
        state->give_up();
        throw;
    }
    return gathering<Reader>(std::move(state));
}

template <gather_errors Errors, typename... Arguments>
auto gather_tuple(Arguments&&... arguments) {
    using reader = tuple_reader<Errors, Arguments...>;
    const auto start_children = [&](typed_gather_state<reader>& state) {
        state.expect_arguments();
        (add_child(state, std::forward<Arguments>(arguments)), ...);
    };
    return start_gather<reader>(start_children);
}

template <gather_errors Errors, typename Vector>
auto gather_vector(Vector&& items) {
    using item_type = typename std::remove_cvref_t<Vector>::value_type;
    constexpr bool keep = std::is_lvalue_reference_v<Vector> && completion_handle<item_type>;
    using argument = std::conditional_t<keep, const item_type&, item_type>;
    const auto start_children = [&](gather_state& state) {
        state.expect(items.size());
        for (auto& item : items) add_child(state, static_cast<argument&&>(item));
    };
    return start_gather<vector_reader<Errors, argument>>(start_children);
}

template <typename T>
inline constexpr bool is_vector_v = false;
template <typename T>
inline constexpr bool is_vector_v<std::vector<T>> = true;
template <typename T>
concept vector_of_joinables =
    is_vector_v<std::remove_cvref_t<T>> && joinable<typename std::remove_cvref_t<T>::value_type>;

}  // namespace detail

/// Runs the arguments concurrently: coroutines and operations become tasks at once, tasks and
/// futures are taken as they are (the same one may come several times). Awaited, it gives a tuple
/// of the results in argument order, std::monostate for void.
///
/// When a child fails, its exception is thrown at once and the others go on; what they still throw
/// is dropped. A child that is cancelled by itself counts as failed with `cancelled`. When the
/// awaiting task is cancelled, every child is cancelled.
template <detail::joinable... Arguments>
auto gather(Arguments&&... arguments) {
    return detail::gather_tuple<detail::gather_errors::raise>(
        std::forward<Arguments>(arguments)...);
}

/// The same, but it waits for every child and gives each one's outcome, as a result<T>.
template <detail::joinable... Arguments>
auto gather(return_exceptions_t, Arguments&&... arguments) {
    return detail::gather_tuple<detail::gather_errors::collect>(
        std::forward<Arguments>(arguments)...);
}

/// The same for as many as there are in a vector; gives a vector, or nothing for void.
template <detail::vector_of_joinables Vector>
auto gather(Vector&& items) {
    return detail::gather_vector<detail::gather_errors::raise>(std::forward<Vector>(items));
}

/// A vector of result<T>.
template <detail::vector_of_joinables Vector>
auto gather(return_exceptions_t, Vector&& items) {
    return detail::gather_vector<detail::gather_errors::collect>(std::forward<Vector>(items));
}

}  // namespace mayhem
