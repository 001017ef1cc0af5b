// The checker has to find what is wrong. Part of tests/stress's program with the replaced operator
// new.
#include "tasks/testing/fail_every_allocation.hpp"

#include <gtest/gtest.h>
#include <memory>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {

/// A line of its own in a backtrace: not inlined, and a name that the linker exports.
[[gnu::noinline]] std::unique_ptr<int> allocate_an_int();
std::unique_ptr<int> allocate_an_int() { return std::make_unique<int>(1); }

namespace {

findings try_on_first_backend(coro<> (*body)()) {
    scenario what;
    what.body = body;
    return try_failing_every_allocation(what, available_backends().front());
}

coro<> allocate_once() {
    const auto memory = std::make_unique<int>(1);
    co_await yield();
}

TEST(fail_every_allocation, each_allocation_fails_in_a_run_of_its_own) {
    const findings found = try_on_first_backend(allocate_once);
    EXPECT_EQ(found.trouble.value_or(""), "");
    EXPECT_GT(found.points, 3U);              // the loop, its backend, the task, ours
    EXPECT_EQ(found.runs, found.points + 2);  // one before, and one that needed fewer
}

coro<> forget_a_frame() {
    auto frame = allocate_once().release();
    [[maybe_unused]] static void* kept;  // from the eyes of LeakSanitizer: the leak is meant
    kept = frame.address();
    const auto memory = allocate_an_int();
    frame.destroy();
    co_return;
}

TEST(fail_every_allocation, a_leak_on_the_way_out_is_found_and_the_message_says_where) {
    const std::string trouble = try_on_first_backend(forget_a_frame).trouble.value_or("");
    EXPECT_NE(trouble.find("1 frames, tasks or futures were leaked"), std::string::npos) << trouble;
    EXPECT_NE(trouble.find("asked for here"), std::string::npos) << trouble;
    EXPECT_NE(trouble.find("allocate_an_int"), std::string::npos) << trouble;
}

coro<> turn_it_into_something_else() {
    bool failed = false;
    try {
        const auto memory = std::make_unique<int>(1);
    } catch (const std::bad_alloc&) {
        failed = true;
    }
    if (failed) throw std::logic_error("what happened?");
    co_return;
}

TEST(fail_every_allocation, only_bad_alloc_may_come_of_it) {
    const std::string trouble =
        try_on_first_backend(turn_it_into_something_else).trouble.value_or("");
    EXPECT_NE(trouble.find("what happened?"), std::string::npos) << trouble;
}

}  // namespace
}  // namespace mayhem::testing
