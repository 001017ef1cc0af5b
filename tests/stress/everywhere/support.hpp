// What the scenarios of this folder share: how a main task sees its children to their end, so that
// what they left behind can be judged, whoever was cancelled.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/scenario.hpp"

namespace mayhem::testing {

/// Waits until all have ended. When the waiting task is cancelled, so are they, and it waits on.
/// Rethrows what one of them failed with; that it was cancelled is no failure.
inline coro<> see_to_the_end(std::vector<task<>> tasks) {
    for (bool ended = tasks.empty(); !ended;) {
        try {
            co_await wait(tasks);
            ended = true;
        } catch (const cancelled&) {
            for (auto& one : tasks) one.cancel();
        }
    }
    for (auto& one : tasks) {
        const std::exception_ptr error = one.exception();
        if (error && !is_cancelled(error)) std::rethrow_exception(error);
    }
}

/// Waits until one of them has ended; a cancellation of the waiting task cancels them.
inline coro<> see_the_first(std::vector<task<>> tasks) {
    try {
        co_await wait(tasks, return_when::first_completed);
    } catch (const cancelled&) {
        for (auto& one : tasks) one.cancel();
    }
}

/// What scenarios throw on purpose, and disturbed ones may end with.
class expected_failure : public std::runtime_error {
  public:
    expected_failure() : std::runtime_error("as it should") {}
};

inline bool is_expected_failure(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const expected_failure&) {
        return true;
    } catch (const std::system_error&) {
        return true;  // whoever was at the other end of a stream has gone
    } catch (...) {
        return false;
    }
}

/// A vector, which g++ 12 cannot make of a list inside a coroutine.
template <typename... Tasks>
std::vector<task<>> all_of(Tasks... tasks) {
    std::vector<task<>> all;
    (all.push_back(tasks), ...);
    return all;
}

/// What one run works with, and what it is accused of. What is kept here outlives the loop: the
/// main task may end at any moment, by any exception, and its children must not be left without.
class notes {
  public:
    template <typename T, typename... Args>
    T& keep(Args&&... args) {
        auto made = std::make_shared<T>(std::forward<Args>(args)...);
        kept_.push_back(made);
        return *made;
    }

    /// Judges when the loop is closed.
    void afterwards(std::function<void()> judge) { afterwards_.push_back(std::move(judge)); }

    /// Notes the first thing that is wrong.
    void require(bool holds, std::string_view otherwise) {
        if (!holds && text_.empty()) text_ = otherwise;
    }

    /// What is wrong with this run; empty when nothing is. The next one begins anew.
    [[nodiscard]] std::string verdict() {
        for (const auto& judge : afterwards_) judge();
        afterwards_.clear();
        kept_.clear();
        return std::exchange(text_, {});
    }

  private:
    std::string text_;
    std::vector<std::function<void()>> afterwards_;
    std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace mayhem::testing
