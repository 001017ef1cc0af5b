// That assertions in coroutines end them, say what was wrong, and let cancellations through.
#include "tasks/testing/assertions.hpp"

#include <gmock/gmock.h>
#include <string>
#include <system_error>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What `body` fails with.
template <typename Body>
std::vector<std::string> failures_in(const Body& body) {
    return failures_of([&] { run_co_test(backend_kind::epoll, body); });
}

coro<int> give(int value) {
    co_await yield();
    co_return value;
}
coro<int> refuse() {
    co_await yield();
    throw std::runtime_error("no");
}

CO_TEST(assertions, those_that_hold_let_the_body_go_on) {
    CO_ASSERT_TRUE(true);
    CO_ASSERT_FALSE(false);
    CO_ASSERT_EQ(co_await give(7), 7);
    CO_ASSERT_NE(1, 2);
    CO_ASSERT_LT(1, 2);
    CO_ASSERT_LE(1, 1);
    CO_ASSERT_GT(2, 1);
    CO_ASSERT_GE(2, 2);
    CO_ASSERT_THAT(std::string("seven"), HasSubstr("even"));
    CO_EXPECT_NO_THROW(co_await give(1));
    CO_EXPECT_THROW(co_await refuse(), std::runtime_error);
    CO_EXPECT_THROW_THAT(co_await refuse(), std::exception, WithMessage("no"));
    CO_EXPECT_ANY_THROW(co_await refuse());
}

TEST(assertions, one_that_fails_ends_the_body_and_keeps_its_message) {
    bool went_on = false;
    const auto body = [&]() -> coro<> {
        const int seven = co_await give(7);
        CO_ASSERT_EQ(seven, 8) << "at the end of the week";
        went_on = true;
    };
    EXPECT_THAT(failures_in(body),
                ElementsAre(AllOf(HasSubstr("seven"), HasSubstr("at the end of the week"))));
    EXPECT_FALSE(went_on);
}

TEST(assertions, an_earlier_failure_does_not_end_the_body) {
    bool went_on = false;
    const auto body = [&]() -> coro<> {
        EXPECT_EQ(1, 2);
        CO_ASSERT_EQ(2, 2);
        went_on = true;
        co_return;
    };
    EXPECT_EQ(failures_in(body).size(), 1U);
    EXPECT_TRUE(went_on);
}

TEST(assertions, each_kind_can_fail) {
    const std::vector<coro<> (*)()> bodies = {
        []() -> coro<> {
            CO_ASSERT_TRUE(false);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_FALSE(true);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_EQ(1, 2);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_NE(1, 1);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_LT(1, 1);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_LE(2, 1);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_GT(1, 1);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_GE(1, 2);
            co_return;
        },
        []() -> coro<> {
            CO_ASSERT_THAT(1, ::testing::Eq(2));
            co_return;
        },
        []() -> coro<> {
            CO_FAIL() << "on purpose";
            co_return;
        },
        []() -> coro<> { CO_EXPECT_THROW(co_await give(1), std::runtime_error); },
        []() -> coro<> { CO_EXPECT_THROW(co_await refuse(), std::logic_error); },
        []() -> coro<> {
            CO_EXPECT_THROW_THAT(co_await refuse(), std::exception, WithMessage("yes"));
        },
        []() -> coro<> { CO_EXPECT_ANY_THROW(co_await give(1)); },
        []() -> coro<> { CO_EXPECT_NO_THROW(co_await refuse()); },
    };
    for (std::size_t at = 0; at < bodies.size(); ++at) {
        EXPECT_EQ(failures_in(bodies[at]).size(), 1U) << "body " << at;
    }
}

TEST(assertions, what_was_thrown_instead_is_named) {
    const auto body = []() -> coro<> { CO_EXPECT_THROW(co_await refuse(), std::logic_error); };
    EXPECT_THAT(failures_in(body),
                ElementsAre(AllOf(HasSubstr("co_await refuse()"), HasSubstr("std::logic_error"),
                                  HasSubstr("but threw no"))));
}

TEST(assertions, a_cancellation_goes_through_unless_it_was_asked_for) {
    const auto cancel = []() -> coro<> {
        co_await yield();
        throw cancelled{};
    };
    const auto body = [&]() -> coro<> {
        CO_EXPECT_THROW(co_await cancel(), cancelled);
        CO_EXPECT_THROW(co_await cancel(), std::runtime_error);
        ADD_FAILURE() << "not reached";
    };
    EXPECT_THAT(failures_in(body), ElementsAre(HasSubstr("The test ended with: cancelled")));
}

TEST(assertions, a_body_can_skip_the_rest) {
    const auto body = []() -> coro<> {
        CO_SKIP() << "not today";
        ADD_FAILURE() << "not reached";
    };
    EXPECT_THAT(failures_in(body), IsEmpty());
}

}  // namespace
