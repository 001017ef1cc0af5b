// What a coroutine ends with: a value, an exception, or its cancellation.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "loop/check.hpp"

namespace mayhem {

/// Thrown out of an `co_await` whose task was cancelled; asyncio's CancelledError. It is *not* a
/// std::exception, so that `catch (const std::exception&)` around a piece of work does not
/// swallow the request to stop. Code that catches it should clean up and rethrow.
struct cancelled {};

/// A finished outcome: of a coroutine, of a task, or of one argument of gather. `T` may be void, a
/// reference, move-only, and need not be default-constructible.
template <typename T>
class result {
    struct nothing {};
    using stored = std::conditional_t<
        std::is_void_v<T>, nothing,
        std::conditional_t<std::is_reference_v<T>,
                           std::reference_wrapper<std::remove_reference_t<T>>, T>>;

  public:
    result() noexcept = default;

    /// An outcome that failed. @param error must not be null.
    static result failure(std::exception_ptr error) noexcept {
        result made;
        made.set_exception(std::move(error));
        return made;
    }

    /// True once a value or an exception is in it.
    [[nodiscard]] bool has_outcome() const noexcept { return state_.index() != 0; }
    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 1; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The exception, or null when there is a value.
    [[nodiscard]] std::exception_ptr exception() const noexcept {
        const auto* error = std::get_if<2>(&state_);
        return error != nullptr ? *error : nullptr;
    }

    /// What it failed with, if that is an `Error`, or null: asks without a try block what kind of
    /// failure this is. The pointer is good for as long as the exception is held by anybody.
    template <typename Error>
    [[nodiscard]] const Error* failed_with() const {
        try {
            if (const auto* error = std::get_if<2>(&state_)) std::rethrow_exception(*error);
        } catch (const Error& error) {
            return &error;
        } catch (...) {
            return nullptr;
        }
        return nullptr;
    }

    /// The value, or throws the exception. On an rvalue the value is moved out.
    T value() && {
        rethrow_failure();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(std::get<1>(state_).get());
        } else if constexpr (!std::is_void_v<T>) {
            return std::move(std::get<1>(state_));
        }
    }
    std::add_lvalue_reference_t<T> value() & {
        rethrow_failure();
        if constexpr (std::is_reference_v<T>) {
            return std::get<1>(state_).get();
        } else if constexpr (!std::is_void_v<T>) {
            return std::get<1>(state_);
        }
    }

    template <typename... Args>
    void set_value(Args&&... args) {
        state_.template emplace<1>(std::forward<Args>(args)...);
    }
    void set_exception(std::exception_ptr error) noexcept {
        state_.template emplace<2>(std::move(error));
    }

  private:
    void rethrow_failure() const {
        if (const auto* error = std::get_if<2>(&state_)) std::rethrow_exception(*error);
        MAYHEM_CHECK(has_outcome(), "asked for the value of a result that is not there yet");
    }

    std::variant<std::monostate, stored, std::exception_ptr> state_;
};

/// True when the exception is `cancelled`.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& error) noexcept;

}  // namespace mayhem
