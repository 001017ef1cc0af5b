// That each check of a test fails when it should, says what it found, and can be skipped.
#include "tasks/testing/leak_check.hpp"

#include <gmock/gmock.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What a test with this body fails with; on every backend the same, or it fails here.
template <typename Body>
std::vector<std::string> failures_of_test(const Body& body) {
    std::vector<std::string> failures;
    for_each_backend(
        [&](backend_kind kind) { failures = failures_of([&] { run_co_test(kind, body); }); });
    return failures;
}

coro<> sleep_an_hour() { co_await mayhem::sleep(1h); }

coro<> fail() {
    throw std::runtime_error("lost");
    co_return;
}

TEST(leak_check, a_test_that_leaves_nothing_behind_passes) {
    const auto body = []() -> coro<> { co_await create_task(sleep_an_hour()); };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
}

TEST(leak_check, a_task_that_outlives_the_test_is_named_with_its_stack) {
    const auto body = []() -> coro<> {
        create_task(sleep_an_hour(), "straggler");
        co_await yield();
    };
    EXPECT_THAT(failures_of_test(body),
                ElementsAre(AllOf(HasSubstr("A task outlived the test"), HasSubstr("straggler"),
                                  HasSubstr("sleep_an_hour"), HasSubstr("leak_check_test.cpp"))));
}

TEST(leak_check, a_task_may_outlive_a_test_that_says_so) {
    const auto body = []() -> coro<> {
        skip_check(check::tasks);
        create_task(sleep_an_hour(), "straggler");
        co_await yield();
    };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
}

TEST(leak_check, a_descriptor_that_stays_open_is_named) {
    std::vector<int> left;
    const auto body = [&left]() -> coro<> {
        left.push_back(::dup(STDERR_FILENO));
        co_return;
    };
    const auto failures = failures_of_test(body);
    const std::string number = std::to_string(left.back());
    EXPECT_THAT(failures, ElementsAre(HasSubstr("The test leaked descriptor " + number)));
    for (const int descriptor : left) ::close(descriptor);
}

TEST(leak_check, a_descriptor_of_somebody_else_that_was_closed_is_named) {
    for_each_backend([](backend_kind kind) {
        const int foreign = ::dup(STDERR_FILENO);
        const auto body = [foreign]() -> coro<> {
            ::close(foreign);
            co_return;
        };
        EXPECT_THAT(failures_of([&] { run_co_test(kind, body); }),
                    ElementsAre(AllOf(HasSubstr("closed descriptor " + std::to_string(foreign)),
                                      HasSubstr("which it had not opened"))));
    });
}

TEST(leak_check, descriptors_are_not_counted_when_the_test_says_so) {
    std::vector<int> left;
    const auto body = [&left]() -> coro<> {
        skip_check(check::descriptors);
        left.push_back(::dup(STDERR_FILENO));
        co_return;
    };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
    for (const int descriptor : left) ::close(descriptor);
}

/// An operation that nobody waits for.
class stray_operation final : public operation {
  public:
    void run() noexcept override {}
    void discard() noexcept override {}
};

TEST(leak_check, an_operation_left_in_flight_is_counted) {
    stray_operation stray;
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const auto body = [&]() -> coro<> {
        stray.prepare_poll(ends[0], 1, false);
        get_running_loop().submit(stray);
        co_return;
    };
    EXPECT_THAT(failures_of_test(body), ElementsAre(HasSubstr("operations in flight")));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(leak_check, a_coroutine_that_was_never_awaited_is_named) {
    const auto body = []() -> coro<> {
        {
            auto forgotten = sleep_an_hour();
        }
        co_return;
    };
    EXPECT_THAT(failures_of_test(body),
                ElementsAre(AllOf(HasSubstr("never awaited"), HasSubstr("sleep_an_hour"))));
}

TEST(leak_check, a_coroutine_that_was_closed_was_not_forgotten) {
    const auto body = []() -> coro<> {
        auto unwanted = sleep_an_hour();
        unwanted.close();
        co_return;
    };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
}

TEST(leak_check, coroutines_may_be_dropped_by_a_test_that_says_so) {
    const auto body = []() -> coro<> {
        skip_check(check::never_awaited);
        {
            auto forgotten = sleep_an_hour();
        }
        co_return;
    };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
}

TEST(leak_check, an_error_that_nobody_retrieves_fails_the_test) {
    const auto body = []() -> coro<> {
        create_task(fail());
        co_await yield();
        co_await yield();
    };
    EXPECT_THAT(
        failures_of_test(body),
        ElementsAre(AllOf(HasSubstr("Task exception was never retrieved"), HasSubstr("lost"))));
}

TEST(leak_check, errors_may_be_lost_by_a_test_that_says_so) {
    const auto body = []() -> coro<> {
        skip_check(check::errors);
        create_task(fail());
        co_await yield();
        co_await yield();
    };
    EXPECT_THAT(failures_of_test(body), IsEmpty());
}

TEST(leak_check, skipping_a_check_outside_of_a_test_fails) {
    EXPECT_THAT(failures_of([] { skip_check(check::tasks); }),
                ElementsAre(HasSubstr("no CO_TEST is running")));
}

TEST(leak_check, a_skipped_check_is_back_in_the_next_test) {
    const auto leave_a_task = []() -> coro<> {
        create_task(sleep_an_hour());
        co_await yield();
    };
    const auto say_so = [&]() -> coro<> {
        skip_check(check::tasks);
        co_await leave_a_task();
    };
    EXPECT_THAT(failures_of_test(say_so), IsEmpty());
    EXPECT_THAT(failures_of_test(leave_a_task), ElementsAre(HasSubstr("outlived")));
}

}  // namespace
