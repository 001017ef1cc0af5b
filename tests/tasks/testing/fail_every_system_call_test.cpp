// The checker has to find what is wrong, and nothing else. Here the scenarios are wrong on purpose.

#include "tasks/testing/fail_every_system_call.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

findings try_on_calm_kernel(coro<> (*body)()) {
    scenario what;
    what.body = body;
    return try_failing_every_system_call(what, sim_options::calm());
}

void expect_contains(const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

coro<> make_two_pipes() {
    const pipe_ends first = make_pipe();
    const pipe_ends second = make_pipe();
    co_return;
}

TEST(fail_every_system_call, each_call_fails_in_a_run_of_its_own) {
    const findings found = try_on_calm_kernel(make_two_pipes);
    EXPECT_EQ(found.trouble.value_or(""), "");
    EXPECT_EQ(found.points, 2U);
    EXPECT_EQ(found.runs, 1U + 2U + 1U);  // one before, and one that made fewer calls
}

coro<> sleep_an_hour() { co_await mayhem::sleep(std::chrono::hours(1)); }

coro<> forget_a_frame() {
    auto frame = sleep_an_hour().release();
    [[maybe_unused]] static void* kept;  // from the eyes of LeakSanitizer: the leak is meant
    kept = frame.address();
    const pipe_ends ends = make_pipe();
    frame.destroy();
    co_return;
}

TEST(fail_every_system_call, a_leak_on_the_way_out_is_found_and_the_message_names_the_call) {
    const std::string trouble = try_on_calm_kernel(forget_a_frame).trouble.value_or("");
    expect_contains(trouble, "1 frames, tasks or futures were leaked");
    expect_contains(trouble, "It was call 1 of 1, pipe: ");
    expect_contains(trouble, "seed ");
    expect_contains(trouble, "MAYHEM_CHECK_ONLY=sim:1 ");
}

coro<> wait_for_somebody_who_gave_up() {
    event opened;
    try {
        const pipe_ends ends = make_pipe();
        opened.set();
    } catch (const std::system_error&) {
        // The trap: nobody will ever set it.
    }
    co_await opened.wait();
}

TEST(fail_every_system_call, a_task_that_nobody_wakes_is_found) {
    const findings found = try_on_calm_kernel(wait_for_somebody_who_gave_up);
    expect_contains(found.trouble.value_or(""), "Deadlock");
    EXPECT_EQ(found.runs, 2U) << "the first failure ends it";
}

coro<> turn_it_into_something_else() {
    try {
        const pipe_ends ends = make_pipe();
    } catch (const std::system_error&) {
        throw std::logic_error("what happened?");
    }
    co_return;
}

TEST(fail_every_system_call, only_a_system_error_may_come_of_it) {
    const std::string trouble =
        try_on_calm_kernel(turn_it_into_something_else).trouble.value_or("");
    expect_contains(trouble, "what happened?");
}

coro<> fail_always() {
    throw std::system_error(std::make_error_code(std::errc::io_error));
    co_return;
}

TEST(fail_every_system_call, a_run_that_is_not_disturbed_has_no_excuse) {
    const findings found = try_on_calm_kernel(fail_always);
    expect_contains(found.trouble.value_or(""), "None failed in this run, of 0");
}

}  // namespace
}  // namespace mayhem::testing
