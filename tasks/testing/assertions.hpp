// Assertions for bodies that are coroutines.
//
// gtest's EXPECT_ macros work in a coroutine as anywhere, also around a co_await. Its ASSERT_
// macros and GTEST_SKIP do not: they use a plain return. CO_ASSERT_ is ASSERT_ with co_return,
// message and all (`CO_ASSERT_EQ(size, 2U) << "after the cut"`); it ends the coroutine that it is
// written in, which must return void. CO_EXPECT_THROW is EXPECT_THROW for a statement that contains
// co_await: gtest's own does not compile there.
//
// They refuse to swallow a cancellation that they were not asked about: it goes on to the test.
#pragma once

#include <exception>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace mayhem::testing {

/// What the exception in flight is, for messages. Rethrows `cancelled`.
/// REQUIRES: called in a catch clause.
[[nodiscard]] std::string describe_current_exception();

/// A matcher of exceptions by their text: `WithMessage(HasSubstr("refused"))`.
template <typename Matcher>
[[nodiscard]] auto WithMessage(Matcher text) {
    return ::testing::ResultOf(
        "its text", [](const std::exception& error) { return std::string(error.what()); }, text);
}

}  // namespace mayhem::testing

// `co_return` of a void expression, where gtest's has a `return`.
#define CO_FATAL_FAILURE_(message) \
    co_return GTEST_MESSAGE_(message, ::testing::TestPartResult::kFatalFailure)
#define CO_ASSERT_PREDICATE_(format, left, right) \
    GTEST_ASSERT_(format(#left, #right, left, right), CO_FATAL_FAILURE_)

#define CO_ASSERT_TRUE(condition) \
    GTEST_TEST_BOOLEAN_(condition, #condition, false, true, CO_FATAL_FAILURE_)
#define CO_ASSERT_FALSE(condition) \
    GTEST_TEST_BOOLEAN_(!(condition), #condition, true, false, CO_FATAL_FAILURE_)
#define CO_ASSERT_EQ(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::EqHelper::Compare, left, right)
#define CO_ASSERT_NE(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::CmpHelperNE, left, right)
#define CO_ASSERT_LT(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::CmpHelperLT, left, right)
#define CO_ASSERT_LE(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::CmpHelperLE, left, right)
#define CO_ASSERT_GT(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::CmpHelperGT, left, right)
#define CO_ASSERT_GE(left, right) \
    CO_ASSERT_PREDICATE_(::testing::internal::CmpHelperGE, left, right)
/// ASSERT_THAT: `CO_ASSERT_THAT(names, ElementsAre("a", "b"))`.
#define CO_ASSERT_THAT(value, matcher)                                                            \
    GTEST_ASSERT_(::testing::internal::MakePredicateFormatterFromMatcher(matcher)(#value, value), \
                  CO_FATAL_FAILURE_)
/// FAIL, and GTEST_SKIP.
#define CO_FAIL() CO_FATAL_FAILURE_("Failed")
#define CO_SKIP() co_return GTEST_MESSAGE_("", ::testing::TestPartResult::kSkip)

/// EXPECT_THROW for statements that contain co_await.
#define CO_EXPECT_THROW(statement, type) CO_EXPECT_THROW_THAT(statement, type, ::testing::_)

/// The same, and the exception matches:
/// `CO_EXPECT_THROW_THAT(co_await save(), save_failed, WithMessage(HasSubstr("disk")))`.
#define CO_EXPECT_THROW_THAT(statement, type, matcher)                                  \
    do {                                                                                \
        std::string co_outcome = "nothing";                                             \
        try {                                                                           \
            static_cast<void>(statement);                                               \
        } catch (const type& co_thrown) {                                               \
            co_outcome.clear();                                                         \
            EXPECT_THAT(co_thrown, matcher) << "thrown by " << #statement;              \
        } catch (...) {                                                                 \
            co_outcome = ::mayhem::testing::describe_current_exception();               \
        }                                                                               \
        EXPECT_TRUE(co_outcome.empty())                                                 \
            << #statement << " was to throw " << #type << ", but threw " << co_outcome; \
    } while (false)

/// EXPECT_ANY_THROW, of what is no cancellation.
#define CO_EXPECT_ANY_THROW(statement)                                             \
    do {                                                                           \
        bool co_threw = false;                                                     \
        try {                                                                      \
            static_cast<void>(statement);                                          \
        } catch (...) {                                                            \
            co_threw = !::mayhem::testing::describe_current_exception().empty();   \
        }                                                                          \
        EXPECT_TRUE(co_threw) << #statement << " was to throw, but threw nothing"; \
    } while (false)

/// EXPECT_NO_THROW; the test goes on after a failure.
#define CO_EXPECT_NO_THROW(statement)                                             \
    do {                                                                          \
        std::string co_outcome;                                                   \
        try {                                                                     \
            static_cast<void>(statement);                                         \
        } catch (...) {                                                           \
            co_outcome = ::mayhem::testing::describe_current_exception();         \
        }                                                                         \
        EXPECT_TRUE(co_outcome.empty()) << #statement << " threw " << co_outcome; \
    } while (false)
