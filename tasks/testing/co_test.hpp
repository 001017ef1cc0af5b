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
//   - it leaves something behind: leak_check.hpp lists what, and how to say that it is meant;
//   - every task waits and nothing can wake them: the stacks are printed;
//   - it has waited for a minute, in real time, for a thread or a child: the stacks are printed.
//
// gtest's ASSERT_ macros use a plain return, which a coroutine cannot have: use CO_ASSERT_.
//
// It refuses to run two tests at once in one process: the checks look at the whole process.
#pragma once

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "loop/backend.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/run.hpp"
#include "tasks/testing/assertions.hpp"
#include "tasks/testing/leak_check.hpp"

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

/// Every pending task but the one that asks: what the code under test has started.
[[nodiscard]] std::vector<task_ref> other_tasks();

/// Runs one test body with all checks on: what CO_TEST does for each backend. After `patience` in
/// real time the test is stopped and fails, with every task's stack: the clock of a test stands
/// still while it waits for a thread or a child, maybe for ever.
void run_co_test(backend_kind kind, const std::function<coro<void>()>& body,
                 duration patience = std::chrono::minutes(1));

namespace kit {

/// A coroutine as a test of `Fixture`: what CO_TEST_F defines derives from the fixture and has the
/// body as a member.
template <typename Case>
class co_fixture_case final : public Case {
  public:
    explicit co_fixture_case(backend_kind kind) : kind_(kind) {}
    void TestBody() override {
        run_co_test(kind_, [this] { return play(); });
    }

  private:
    /// As gtest does: after a fatal failure in the set-up the body is left out, but not the
    /// tear-down.
    coro<void> play() {
        std::exception_ptr error;
        try {
            if constexpr (requires { this->co_set_up(); }) co_await this->co_set_up();
            if (!this->HasFatalFailure() && !this->IsSkipped()) co_await this->co_body();
        } catch (...) {
            error = std::current_exception();
        }
        if constexpr (requires { this->co_tear_down(); }) co_await this->co_tear_down();
        if (error) std::rethrow_exception(error);
    }

    backend_kind kind_;
};

/// "SIGINT, pair(1, 2)" -> {"SIGINT", "pair_1_2"}: the values of CO_TEST_P as parts of names.
[[nodiscard]] std::vector<std::string> names_of_values(const std::string& values);

/// Called by the macros during static initialisation.
bool register_co_test(const char* suite, const std::string& name, const char* file, int line,
                      const std::function<coro<void>()>& body,
                      const std::vector<backend_kind>& backends = available_backends());

template <typename Fixture, typename Case>
bool register_co_test_f(const char* suite, const char* name, const char* file, int line) {
    for (const backend_kind kind : available_backends()) {
        const std::string full_suite = std::string(suite) + "/" + backend_label(kind);
        ::testing::RegisterTest(full_suite.c_str(), name, nullptr, nullptr, file, line,
                                [kind]() -> Fixture* { return new co_fixture_case<Case>(kind); });
    }
    return true;
}

template <typename Parameter>
bool register_co_test_p(const char* suite, const char* name, const char* file, int line,
                        coro<void> (*body)(Parameter), const char* text,
                        const std::vector<std::type_identity_t<std::decay_t<Parameter>>>& values) {
    const std::vector<std::string> names = names_of_values(text);
    for (std::size_t at = 0; at < values.size(); ++at) {
        const std::string label = names.size() == values.size() ? names[at] : std::to_string(at);
        register_co_test(suite, std::string(name) + "/" + label, file, line,
                         [body, value = values[at]] { return body(value); });
    }
    return true;
}

}  // namespace kit
}  // namespace mayhem::testing

/// Defines a coroutine test; see the top of this file.
#define CO_TEST(suite, name)                                                        \
    static ::mayhem::coro<void> co_test_##suite##_##name();                         \
    [[maybe_unused]] static const bool co_test_##suite##_##name##_registered =      \
        ::mayhem::testing::kit::register_co_test(#suite, #name, __FILE__, __LINE__, \
                                                 &co_test_##suite##_##name);        \
    static ::mayhem::coro<void> co_test_##suite##_##name()

/// The same on the real backends only; `reason` says what of the real kernel the test is about.
#define REAL_CO_TEST(suite, name, reason)                                                 \
    static_assert(sizeof(reason) > 1, "say why the simulated kernel is no place for it"); \
    static ::mayhem::coro<void> co_test_##suite##_##name();                               \
    [[maybe_unused]] static const bool co_test_##suite##_##name##_registered =            \
        ::mayhem::testing::kit::register_co_test(#suite, #name, __FILE__, __LINE__,       \
                                                 &co_test_##suite##_##name,               \
                                                 ::mayhem::testing::real_backends());     \
    static ::mayhem::coro<void> co_test_##suite##_##name()

/// Defines a coroutine test of a fixture, a class derived from testing::Test, whose members it can
/// use. SetUp and TearDown run outside the loop, as always; members `coro<> co_set_up()` and
/// `coro<> co_tear_down()`, if the fixture has them, run on it, around the body.
#define CO_TEST_F(fixture, name)                                                         \
    class co_test_##fixture##_##name : public fixture {                                  \
      protected:                                                                         \
        ::mayhem::coro<void> co_body();                                                  \
    };                                                                                   \
    [[maybe_unused]] static const bool co_test_##fixture##_##name##_registered =         \
        ::mayhem::testing::kit::register_co_test_f<fixture, co_test_##fixture##_##name>( \
            #fixture, #name, __FILE__, __LINE__);                                        \
    ::mayhem::coro<void> co_test_##fixture##_##name::co_body()

/// Defines a coroutine test with a parameter, once for each value (and each backend):
///
///     CO_TEST_P(service, stops_at, int signal_number, SIGINT, SIGTERM) { ... }
///
/// registers `service/epoll.stops_at/SIGINT` and so on: a value is named as it is written here.
#define CO_TEST_P(suite, name, parameter, ...)                                              \
    static ::mayhem::coro<void> co_test_##suite##_##name(parameter);                        \
    [[maybe_unused]] static const bool co_test_##suite##_##name##_registered =              \
        ::mayhem::testing::kit::register_co_test_p(#suite, #name, __FILE__, __LINE__,       \
                                                   &co_test_##suite##_##name, #__VA_ARGS__, \
                                                   {__VA_ARGS__});                          \
    static ::mayhem::coro<void> co_test_##suite##_##name(parameter)
