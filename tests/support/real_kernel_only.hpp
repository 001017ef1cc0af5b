// REAL_KERNEL_ONLY, for suites whose parameter says on which kernel they run. (Coroutines have
// REAL_CO_TEST, and loops over the backends for_each_real_backend.)
#pragma once

/// Skips the rest of a test where the kernel is simulated, which the suite's `is_sim()` tells;
/// `reason` says what of the real one the test is about. tools/conformance.py knows these words.
#define REAL_KERNEL_ONLY(reason) \
    if (is_sim()) GTEST_SKIP() << "the real kernel only: " << (reason)
