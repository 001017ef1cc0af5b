// The failures of a scope, taken instead of counted: for tests of checks, matchers and fixtures,
// which have to be seen failing.
//
//     const auto failures = failures_of([&] { run_co_test(kind, leave_a_task_behind); });
//     EXPECT_THAT(failures, ElementsAre(HasSubstr("A task outlived the test")));
//
// It refuses to see other threads: what they report counts as ever.
#pragma once

#include <cstddef>
#include <gtest/gtest-spi.h>
#include <memory>
#include <string>
#include <vector>

namespace mayhem::testing {

/// While it lives, or until `release`, failures of this thread come here and do not fail the test.
class failure_capture {
  public:
    failure_capture()
        : reporter_(std::make_unique<::testing::ScopedFakeTestPartResultReporter>(
              ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD,
              &results_)) {}
    failure_capture(const failure_capture&) = delete;
    failure_capture& operator=(const failure_capture&) = delete;

    /// From now on failures count again. @returns the messages so far, in order
    std::vector<std::string> release() {
        reporter_.reset();
        std::vector<std::string> messages;
        for (int at = 0; at < results_.size(); ++at) {
            const ::testing::TestPartResult& result = results_.GetTestPartResult(at);
            if (result.failed()) messages.emplace_back(result.message());
        }
        return messages;
    }

  private:
    ::testing::TestPartResultArray results_;
    std::unique_ptr<::testing::ScopedFakeTestPartResultReporter> reporter_;
};

/// The failures that `action` reports.
template <typename Action>
[[nodiscard]] std::vector<std::string> failures_of(const Action& action) {
    failure_capture failures;
    action();
    return failures.release();
}

}  // namespace mayhem::testing
