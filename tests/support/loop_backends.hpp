// Suites of tests that make their own event loops, on every backend: real kernels and the
// simulated one. (Coroutines have CO_TEST, and backends without a loop have backend_suite.hpp.)
#pragma once

#include <gtest/gtest.h>

#include "loop/event_loop.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/real_kernel_only.hpp"

namespace mayhem::test {

/// A suite whose parameter is the backend; ON_EVERY_BACKEND runs it.
class loop_suite : public ::testing::TestWithParam<backend_kind> {
  protected:
    /// Options for a loop on the backend of this test. (On `sim` the clock is virtual in any case.)
    [[nodiscard]] static loop_options options() {
        loop_options made;
        made.backend = GetParam();
        return made;
    }

    [[nodiscard]] static loop_options with_virtual_clock() {
        loop_options made = options();
        made.virtual_clock = true;
        return made;
    }

    [[nodiscard]] static bool is_sim() { return GetParam() == backend_kind::sim; }
};

}  // namespace mayhem::test

#define ON_EVERY_BACKEND(suite)                                                  \
    INSTANTIATE_TEST_SUITE_P(                                                    \
        on, suite, ::testing::ValuesIn(::mayhem::testing::available_backends()), \
        [](const auto& instance) { return ::mayhem::testing::backend_label(instance.param); })
