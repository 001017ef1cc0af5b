// The checker has to find what is wrong, and nothing else. Here the scenarios are wrong on purpose.

#include "tasks/testing/cancel_everywhere.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "loop/fd.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

/// What the checker says of a scenario, on the first backend; empty when it is content.
std::string verdict_on(const scenario& what) {
    return try_cancelling_everywhere(what, available_backends().front()).trouble.value_or("");
}

std::string verdict_on(coro<> (*body)()) {
    scenario what;
    what.body = body;
    return verdict_on(what);
}

void expect_contains(const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

coro<> sleep_twice() {
    co_await mayhem::sleep(std::chrono::seconds(1));
    co_await mayhem::sleep(std::chrono::seconds(1));
}

TEST(cancel_everywhere, a_scenario_that_cleans_up_passes) {
    EXPECT_EQ(verdict_on(sleep_twice), "");
}

TEST(cancel_everywhere, each_task_is_cancelled_after_each_step_and_then_all) {
    int child_ends = 0;
    scenario what;
    what.body = [&child_ends]() -> coro<> {
        auto count = [&child_ends]() -> coro<> {
            try {
                co_await yield();
            } catch (const cancelled&) {
                ++child_ends;
                throw;
            }
        };
        auto child = create_task(count());
        co_await child;
    };
    const findings found = try_cancelling_everywhere(what, available_backends().front());
    EXPECT_EQ(found.trouble.value_or(""), "");
    // main waits, child yields, child ends, main ends (which is no place any more).
    EXPECT_EQ(found.points, 3U);
    EXPECT_EQ(found.runs, 1U + 3U + 3U + 2U + 1U);
    EXPECT_GT(child_ends, 0);
}

TEST(cancel_everywhere, a_lost_item_is_found_and_the_message_says_where) {
    int put = 0;
    int got = 0;
    scenario what;
    what.body = [&]() -> coro<> {
        put = got = 0;
        queue<int> items;
        items.put_nowait(1);
        ++put;
        [[maybe_unused]] const int item = co_await items.get();
        co_await yield();  // cancelled here, the item is neither in the queue nor counted
        ++got;
    };
    what.check = [&] { return put == got ? "" : "an item is lost"; };
    const std::string verdict = verdict_on(what);
    expect_contains(verdict, "an item is lost");
    expect_contains(verdict, "After step 1 of the run");
    expect_contains(verdict, "cancel_everywhere_test.cpp");
    expect_contains(verdict, "MAYHEM_CHECK_ONLY=");
    expect_contains(verdict, "--gtest_filter=cancel_everywhere.a_lost_item");
}

TEST(cancel_everywhere, a_leaked_descriptor_is_found) {
    unique_fd kept;
    scenario what;
    what.body = [&kept]() -> coro<> {
        kept = unique_fd(::eventfd(0, EFD_CLOEXEC));
        co_await yield();
        kept.reset();
    };
    expect_contains(verdict_on(what), "1 descriptors were leaked");
}

coro<> keep_a_frame() {
    auto forgotten = sleep_twice();
    co_await yield();
    forgotten.release().destroy();
    co_await yield();
}

coro<> lose_a_frame() {
    auto frame = sleep_twice().release();
    [[maybe_unused]] static void* kept;  // from the eyes of LeakSanitizer: the leak is meant
    kept = frame.address();
    co_await yield();
    frame.destroy();
}

TEST(cancel_everywhere, a_leaked_frame_is_found) {
    EXPECT_EQ(verdict_on(keep_a_frame), "");
    expect_contains(verdict_on(lose_a_frame), "1 frames, tasks or futures were leaked");
}

coro<> wait_for_nobody() {
    try {
        co_await yield();
    } catch (const cancelled&) {
    }
    if (!current_task().cancelling()) co_return;
    event never;
    co_await never.wait();
}

TEST(cancel_everywhere, a_task_that_gets_stuck_is_found_unless_the_scenario_may) {
    expect_contains(verdict_on(wait_for_nobody), "Deadlock");
    scenario excused;
    excused.body = wait_for_nobody;
    excused.may_deadlock = true;
    EXPECT_EQ(verdict_on(excused), "");
}

coro<> spin_when_cancelled() {
    for (bool going = true; going;) {
        try {
            co_await yield();
        } catch (const cancelled&) {
        }
        going = current_task().cancelling() > 0;
    }
}

TEST(cancel_everywhere, a_task_that_goes_on_for_ever_is_found) {
    expect_contains(verdict_on(spin_when_cancelled), "steps and had not ended");
}

coro<> clean_up_badly() {
    try {
        co_await yield();
    } catch (const cancelled&) {
        throw std::runtime_error("the cleanup failed");
    }
}

TEST(cancel_everywhere, other_exceptions_are_failures_unless_they_were_announced) {
    expect_contains(verdict_on(clean_up_badly), "the cleanup failed");
    scenario announced;
    announced.body = clean_up_badly;
    announced.may_throw = [](const std::exception_ptr&) { return true; };
    EXPECT_EQ(verdict_on(announced), "");
}

TEST(cancel_everywhere, one_place_can_be_repeated_alone) {
    ::setenv("MAYHEM_CHECK_ONLY", (backend_label(available_backends().front()) + ":2.0").c_str(),
             1);
    scenario what;
    what.body = sleep_twice;
    const findings found = try_cancelling_everywhere(what, available_backends().front());
    ::unsetenv("MAYHEM_CHECK_ONLY");
    EXPECT_EQ(found.runs, 1U);
}

}  // namespace
}  // namespace mayhem::testing
