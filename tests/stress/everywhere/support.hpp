// What the scenarios of this folder share: how a main task sees its children to their end, so that
// what they left behind can be judged, whoever was cancelled.
#pragma once

#include <string>
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

/// A vector, which g++ 12 cannot make of a list inside a coroutine.
template <typename... Tasks>
std::vector<task<>> all_of(Tasks... tasks) {
    std::vector<task<>> all;
    (all.push_back(tasks), ...);
    return all;
}

/// Notes the first thing that is wrong.
class notes {
  public:
    void reset() { text_.clear(); }
    void require(bool holds, std::string_view otherwise) {
        if (!holds && text_.empty()) text_ = otherwise;
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    std::string text_;
};

}  // namespace mayhem::testing
