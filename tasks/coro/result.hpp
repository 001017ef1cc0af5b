// What a coroutine ends with: a value, an exception, or its cancellation.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "loop/check.hpp"

namespace mayhem {

/// Thrown out of an `co_await` whose task was cancelled; asyncio's CancelledError. It is *not* a
/// std::exception, so that `catch (const std::exception&)` around a piece of work does not
/// swallow the request to stop. Code that catches it should clean up and rethrow.
struct cancelled {};

/// A future was asked for a result that it does not have yet, or was to be decided twice; asyncio's
/// InvalidStateError.
class invalid_state : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/// A finished outcome: of a coroutine, of a task, or of one argument of gather. `T` may be void, a
/// reference, move-only, and need not be default-constructible.
///
/// Not a std::variant, because every coroutine has one and nearly all end with a value: writing it
/// and taking it out are a few instructions here.
template <typename T>
class result {
    struct nothing {};
    using stored = std::conditional_t<
        std::is_void_v<T>, nothing,
        std::conditional_t<std::is_reference_v<T>,
                           std::reference_wrapper<std::remove_reference_t<T>>, T>>;
    enum class content : unsigned char { none, value, error };

  public:
    result() noexcept {}
    result(const result& other)
        requires std::copy_constructible<stored>
    {
        if (other.content_ == content::value) set_value(other.value_);
        if (other.content_ == content::error) set_exception(other.error_);
    }
    result(result&& other) noexcept(std::is_nothrow_move_constructible_v<stored>) { take(other); }
    result& operator=(result other) noexcept(std::is_nothrow_move_constructible_v<stored>) {
        clear();
        take(other);
        return *this;
    }
    ~result() { clear(); }

    /// An outcome that failed. @param error must not be null.
    static result failure(std::exception_ptr error) noexcept {
        result made;
        made.set_exception(std::move(error));
        return made;
    }

    /// True once a value or an exception is in it.
    [[nodiscard]] bool has_outcome() const noexcept { return content_ != content::none; }
    [[nodiscard]] bool has_value() const noexcept { return content_ == content::value; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The exception, or null when there is a value.
    [[nodiscard]] std::exception_ptr exception() const noexcept {
        return content_ == content::error ? error_ : nullptr;
    }

    /// What it failed with, if that is an `Error`, or null: asks without a try block what kind of
    /// failure this is. The pointer is good for as long as the exception is held by anybody.
    template <typename Error>
    [[nodiscard]] const Error* failed_with() const {
        if (content_ != content::error) return nullptr;
        try {
            std::rethrow_exception(error_);
        } catch (const Error& error) {
            return &error;
        } catch (...) {
            return nullptr;
        }
    }

    /// The value, or throws the exception. On an rvalue the value is moved out.
    T value() && {
        if (content_ != content::value) [[unlikely]]
            throw_failure();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(value_.get());
        } else if constexpr (!std::is_void_v<T>) {
            return std::move(value_);
        }
    }
    std::add_lvalue_reference_t<T> value() & {
        if (content_ != content::value) [[unlikely]]
            throw_failure();
        if constexpr (std::is_reference_v<T>) {
            return value_.get();
        } else if constexpr (!std::is_void_v<T>) {
            return value_;
        }
    }

    /// REQUIRES: nothing is in it yet.
    template <typename... Args>
    void set_value(Args&&... args) {
        std::construct_at(&value_, std::forward<Args>(args)...);
        content_ = content::value;
    }
    /// Replaces what is in it: a coroutine's value is overtaken when a local's destructor throws.
    void set_exception(std::exception_ptr error) noexcept {
        clear();
        std::construct_at(&error_, std::move(error));
        content_ = content::error;
    }

  private:
    void clear() noexcept {
        if (content_ == content::error) [[unlikely]]
            std::destroy_at(&error_);
        if constexpr (!std::is_trivially_destructible_v<stored>) {
            if (content_ == content::value) std::destroy_at(&value_);
        }
        content_ = content::none;
    }
    void take(result& other) noexcept(std::is_nothrow_move_constructible_v<stored>) {
        if (other.content_ == content::value) set_value(std::move(other.value_));
        if (other.content_ == content::error) set_exception(std::move(other.error_));
    }
    [[noreturn, gnu::noinline]] void throw_failure() const {
        MAYHEM_CHECK(has_outcome(), "asked for the value of a result that is not there yet");
        std::rethrow_exception(error_);
    }

    union {
        stored value_;
        std::exception_ptr error_;
    };
    content content_ = content::none;
};

/// True when the exception is `cancelled`.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& error) noexcept;

}  // namespace mayhem
