// What futures and tasks have in common besides being completions: a value, or what went wrong.
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
        retrieve();
        return outcome_.value();
    }
    /// The value, moved out.
    T take_value() {
        retrieve();
        return std::move(outcome_).value();
    }

  protected:
    result<T> outcome_;

  private:
    void retrieve() {
        if (!this->done()) throw invalid_state("Result is not set: " + this->describe());
        this->mark_retrieved();
    }
};

}  // namespace detail
}  // namespace mayhem
