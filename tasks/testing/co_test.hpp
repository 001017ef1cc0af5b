// Tests that are coroutines. Each runs on a fresh loop, once on every backend that this machine
// offers, with a virtual clock (an hour of sleep takes no time), and must leave nothing behind.
//
//     CO_TEST(queue, get_waits_for_put) {
//         queue<int> items;
//         auto getter = create_task(items.get());
//         co_await yield();
//         items.put_nowait(7);
//         EXPECT_EQ(co_await getter, 7);
//     }
//
// registers `queue/uring.get_waits_for_put`, `queue/epoll...` and `queue/sim...`. A test fails when
//   - the body throws, or an expectation fails;
//   - a task is still pending when the body ends (its stack is printed);
//   - a descriptor is open that was not open before;
//   - an error reached the loop's exception handler (set your own handler to expect one);
//   - every task waits and nothing can wake them: no test hangs silently.
//
// gtest's ASSERT_ macros use a plain return, which a coroutine cannot have: use CO_ASSERT_.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "loop/backend.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/run.hpp"

namespace mayhem::testing {

/// The backends that work on this machine, epoll and sim always among them.
[[nodiscard]] const std::vector<backend_kind>& available_backends();

/// The same without sim: for tests whose essence is the real kernel (child processes that talk
/// back through sockets, other threads as peers). Each use says why.
[[nodiscard]] const std::vector<backend_kind>& real_backends();

/// "uring", "epoll" or "sim".
[[nodiscard]] std::string backend_label(backend_kind kind);

/// Calls `body` once per available backend, with the backend's name in every failure message: for
/// tests that need to make their own loops.
void for_each_backend(const std::function<void(backend_kind)>& body);
/// The same without sim; `reason` says what of the real kernel the test is about.
void for_each_real_backend(const char* reason, const std::function<void(backend_kind)>& body);

/// Options for a test's own loop on `kind`: virtual clock, no handling of Ctrl-C.
[[nodiscard]] run_options test_options(backend_kind kind);

/// Runs one test body with all checks on: what CO_TEST does for each backend.
void run_co_test(backend_kind kind, const std::function<coro<void>()>& body);

/// How many descriptors this process has open.
[[nodiscard]] std::size_t open_descriptors();

/// Called by CO_TEST during static initialisation.
bool register_co_test(const char* suite, const char* name, const char* file, int line,
                      coro<void> (*body)(),
                      const std::vector<backend_kind>& backends = available_backends());

}  // namespace mayhem::testing

/// Defines a coroutine test; see the top of this file.
#define CO_TEST(suite, name)                                                   \
    static ::mayhem::coro<void> co_test_##suite##_##name();                    \
    [[maybe_unused]] static const bool co_test_##suite##_##name##_registered = \
        ::mayhem::testing::register_co_test(#suite, #name, __FILE__, __LINE__, \
                                            &co_test_##suite##_##name);        \
    static ::mayhem::coro<void> co_test_##suite##_##name()

/// The same on the real backends only; `reason` says what of the real kernel the test is about.
#define REAL_CO_TEST(suite, name, reason)                                                 \
    static_assert(sizeof(reason) > 1, "say why the simulated kernel is no place for it"); \
    static ::mayhem::coro<void> co_test_##suite##_##name();                               \
    [[maybe_unused]] static const bool co_test_##suite##_##name##_registered =            \
        ::mayhem::testing::register_co_test(#suite, #name, __FILE__, __LINE__,            \
                                            &co_test_##suite##_##name,                    \
                                            ::mayhem::testing::real_backends());          \
    static ::mayhem::coro<void> co_test_##suite##_##name()

/// Ends the test body when something has failed so far.
#define CO_STOP_ON_FAILURE() \
    if (::testing::Test::HasFailure()) co_return

/// EXPECT_TRUE that ends the body when it fails.
#define CO_ASSERT_TRUE(condition) \
    do {                          \
        EXPECT_TRUE(condition);   \
        CO_STOP_ON_FAILURE();     \
    } while (false)
/// EXPECT_EQ that ends the body when it fails.
#define CO_ASSERT_EQ(left, right) \
    do {                          \
        EXPECT_EQ(left, right);   \
        CO_STOP_ON_FAILURE();     \
    } while (false)
