// What a future is besides being a completion: a value, or what went wrong. (A task keeps its own
// in a smaller space: see task_state.)
#pragma once

#include <stdexcept>
#include <utility>

#include "tasks/coro/result.hpp"

namespace mayhem {

/// A future was asked for a result that it does not have yet, or was to be decided twice; asyncio's
/// InvalidStateError.
class invalid_state : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

namespace detail {

/// Adds the outcome to a completion (`Base`). Looking at it counts as retrieving.
template <typename Base, typename T>
class with_outcome : public Base {
  public:
    using Base::Base;

    [[nodiscard]] std::exception_ptr exception() const noexcept override {
        return outcome_.exception();
    }
    /// A reference to the value, or throws. @throws invalid_state while it is pending
    decltype(auto) value() {
        this->retrieve();
        return outcome_.value();
    }
    /// The value, moved out.
    T take_value() {
        this->retrieve();
        return std::move(outcome_).value();
    }

  protected:
    result<T> outcome_;
};

}  // namespace detail
}  // namespace mayhem
