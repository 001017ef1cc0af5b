// The ways of defining a coroutine test: that bodies run, with fixtures and parameters, on every
// backend.
#include "tasks/testing/co_test.hpp"

#include <gmock/gmock.h>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CO_TEST(co_test, a_body_runs_as_the_main_task_of_a_loop_of_its_own) {
    EXPECT_EQ(current_task().name(), "main");
    EXPECT_EQ(all_tasks().size(), 1U);
    co_return;
}

CO_TEST(co_test, a_body_runs_on_the_backend_that_its_suite_is_named_after) {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    const std::string backend(get_running_loop().backend_name());
    EXPECT_THAT(test->test_suite_name(), HasSubstr(backend == "io_uring" ? "uring" : backend));
    co_return;
}

TEST(co_test, a_body_that_throws_fails_the_test) {
    const auto body = []() -> coro<> {
        co_await yield();
        throw std::runtime_error("out of order");
    };
    for_each_backend([&](backend_kind kind) {
        EXPECT_THAT(failures_of([&] { run_co_test(kind, body); }),
                    ElementsAre(HasSubstr("The test ended with: out of order")));
    });
}

TEST(co_test, a_body_that_waits_for_what_can_never_come_fails_with_its_stack) {
    const auto body = []() -> coro<> {
        event never;
        co_await never.wait();
    };
    for_each_backend([&](backend_kind kind) {
        const auto failures = failures_of([&] { run_co_test(kind, body); });
        ASSERT_FALSE(failures.empty());
        EXPECT_THAT(failures.front(), HasSubstr("Deadlock"));
        EXPECT_THAT(failures.front(), HasSubstr("co_test_test.cpp"));
    });
}

TEST(co_test, a_body_that_waits_for_a_thread_for_ever_is_stopped_with_its_stack) {
    // The job ends when the body does, so it holds up no shutdown, however late it was started.
    const auto body = []() -> coro<> {
        const auto over = std::make_shared<std::latch>(1);
        struct at_the_end {
            std::latch& over;
            ~at_the_end() { over.count_down(); }
        } const end{*over};
        co_await to_thread([over] { over->wait(); });
    };
    const char* const reason = "the job blocks, so it needs a thread of its own";
    for_each_real_backend(reason, [&](backend_kind kind) {
        const auto failures = failures_of([&] { run_co_test(kind, body, 10ms); });
        ASSERT_FALSE(failures.empty());
        EXPECT_THAT(failures.front(), HasSubstr("lost its patience"));
        EXPECT_THAT(failures.front(), HasSubstr("co_test_test.cpp"));
    });
}

/// A fixture that needs the loop to set itself up.
class co_test_fixture : public ::testing::Test {
  protected:
    void SetUp() override { steps_.emplace_back("SetUp"); }
    void TearDown() override {
        EXPECT_THAT(steps_, ElementsAre("SetUp", "co_set_up", "body", "co_tear_down"));
    }
    coro<> co_set_up() {
        std::tie(near_, far_) = unix_stream::pair();
        co_await yield();
        steps_.emplace_back("co_set_up");
    }
    coro<> co_tear_down() {
        co_await near_.close();
        co_await far_.close();
        steps_.emplace_back("co_tear_down");
    }

    std::vector<std::string> steps_;
    unix_stream near_;
    unix_stream far_;
};

CO_TEST_F(co_test_fixture, a_body_uses_members_between_set_up_and_tear_down) {
    steps_.emplace_back("body");
    co_await near_.write_all("x");
    char letter = 0;
    co_await far_.read_exactly(std::as_writable_bytes(std::span(&letter, 1)));
    EXPECT_EQ(letter, 'x');
}

CO_TEST_P(co_test, a_body_gets_its_parameter, int number, 1, 2, -3) {
    co_await yield();
    EXPECT_NE(number, 0);
}

CO_TEST_P(co_test, a_value_is_named_as_it_is_written, std::string text, "one, two", "three") {
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    EXPECT_TRUE(name.ends_with(text == "three" ? "/three" : "/one_two")) << name;
    co_return;
}

TEST(co_test, values_are_parted_at_commas_outside_of_brackets) {
    using mayhem::testing::kit::names_of_values;
    EXPECT_THAT(names_of_values("SIGINT, SIGTERM"), ElementsAre("SIGINT", "SIGTERM"));
    EXPECT_THAT(names_of_values("pair{1, 2}, -3"), ElementsAre("pair_1_2", "minus_3"));
    EXPECT_THAT(names_of_values("\"a, (b\", 'c'"), ElementsAre("a_b", "c"));
}

}  // namespace
