// Cancellation: asyncio's, edge-triggered and counted.
#include <exception>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

using trace = std::vector<std::string>;

CO_TEST(cancellation, before_the_start_the_body_never_runs) {
    bool ran = false;
    auto body = [&](live_object) -> coro<> {
        ran = true;
        co_return;
    };
    auto never = create_task(body(live_object()));
    EXPECT_TRUE(never.cancel());
    CO_EXPECT_THROW(co_await never, cancelled);
    EXPECT_FALSE(ran);
    EXPECT_TRUE(never.is_cancelled());
    EXPECT_EQ(live_object::alive(), 0);
}

coro<> inner(trace& said) {
    try {
        co_await sleep_long();
    } catch (const cancelled&) {
        said.push_back("inner");
        throw;
    }
}

coro<> outer(trace& said) {
    try {
        co_await inner(said);
    } catch (const cancelled&) {
        said.push_back("outer");
        throw;
    }
}

CO_TEST(cancellation, unwinds_the_innermost_coroutine_first) {
    trace said;
    auto nested = create_task(outer(said));
    co_await yield();
    nested.cancel();
    CO_EXPECT_THROW(co_await nested, cancelled);
    EXPECT_EQ(said, (trace{"inner", "outer"}));
}

CO_TEST(cancellation, of_a_task_that_awaits_a_task_cancels_that_one) {
    auto child = create_task(sleep_long());
    auto wait_for_child = [](task<> target) -> coro<> { co_await target; };
    auto parent = create_task(wait_for_child(child));
    co_await ticks(2);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(child.is_cancelled());
}

CO_TEST(cancellation, that_is_swallowed_leaves_the_result) {
    auto body = []() -> coro<int> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            co_return 42;
        }
        co_return 0;
    };
    auto stubborn = create_task(body());
    co_await yield();
    stubborn.cancel();
    EXPECT_EQ(co_await stubborn, 42);
    EXPECT_FALSE(stubborn.is_cancelled());
    EXPECT_EQ(stubborn.cancelling(), 1);
    EXPECT_FALSE(stubborn.cancel());
}

CO_TEST(cancellation, that_is_swallowed_does_not_come_again) {
    auto body = []() -> coro<int> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            // goes on
        }
        co_await mayhem::sleep(1s);
        co_await yield();
        co_return 1;
    };
    auto stubborn = create_task(body());
    co_await yield();
    stubborn.cancel();
    EXPECT_EQ(co_await stubborn, 1);
}

CO_TEST(cancellation, twice_in_one_tick_is_delivered_once) {
    int deliveries = 0;
    auto body = [&]() -> coro<> {
        for (int i = 0; i < 2; ++i) {
            try {
                co_await mayhem::sleep(1s);
            } catch (const cancelled&) {
                ++deliveries;
            }
        }
    };
    auto target = create_task(body());
    co_await yield();
    target.cancel();
    target.cancel();
    EXPECT_EQ(target.cancelling(), 2);
    co_await target;
    EXPECT_EQ(deliveries, 1);
}

CO_TEST(cancellation, twice_is_delivered_once_to_a_task_that_awaits_a_task) {
    int deliveries = 0;
    auto body = [&]() -> coro<> {
        auto child = create_task(sleep_long());
        try {
            co_await child;
        } catch (const cancelled&) {
            ++deliveries;
        }
        co_await yield();
    };
    auto target = create_task(body());
    co_await ticks(2);
    target.cancel();   // the child is asked
    co_await yield();  // the child has ended; the target was told, but has not run
    target.cancel();   // too late for the child: kept for the target
    co_await target;
    EXPECT_EQ(deliveries, 1);
}

CO_TEST(cancellation, twice_in_different_ticks_is_delivered_twice) {
    int deliveries = 0;
    auto body = [&]() -> coro<> {
        for (int i = 0; i < 2; ++i) {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                ++deliveries;
            }
        }
    };
    auto target = create_task(body());
    co_await yield();
    target.cancel();
    co_await ticks(2);
    target.cancel();
    co_await target;
    EXPECT_EQ(deliveries, 2);
}

CO_TEST(cancellation, lets_an_exception_of_the_cleanup_win) {
    auto body = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            std::throw_with_nested(std::runtime_error("cleanup failed"));
        }
    };
    auto target = create_task(body());
    co_await yield();
    target.cancel();
    bool nested_is_cancelled = false;
    try {
        co_await target;
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "cleanup failed");
        try {
            std::rethrow_if_nested(error);
        } catch (const cancelled&) {
            nested_is_cancelled = true;
        }
    }
    EXPECT_TRUE(nested_is_cancelled);
    EXPECT_FALSE(target.is_cancelled());
}

CO_TEST(cancellation, is_not_a_std_exception) {
    auto body = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const std::exception&) {
            ADD_FAILURE() << "a request to stop was taken for an error";
        }
    };
    auto target = create_task(body());
    co_await yield();
    target.cancel();
    CO_EXPECT_THROW(co_await target, cancelled);
}

CO_TEST(cancellation, of_itself_comes_at_the_next_await_that_suspends) {
    trace said;
    auto body = [&]() -> coro<> {
        current_task().cancel();
        said.push_back("runs on");
        try {
            co_await yield();
        } catch (const cancelled&) {
            said.push_back("cancelled");
            throw;
        }
    };
    auto target = create_task(body());
    CO_EXPECT_THROW(co_await target, cancelled);
    EXPECT_EQ(said, (trace{"runs on", "cancelled"}));
}

CO_TEST(cancellation, of_itself_right_before_the_end_counts_without_a_value) {
    auto nothing = []() -> coro<> {
        current_task().cancel();
        co_return;
    };
    auto ending = create_task(nothing());
    CO_EXPECT_THROW(co_await ending, cancelled);
    EXPECT_TRUE(ending.is_cancelled());
}

CO_TEST(cancellation, of_itself_right_before_the_end_loses_no_value) {
    auto something = []() -> coro<int> {
        current_task().cancel();
        co_return 7;
    };
    auto ending = create_task(something());
    EXPECT_EQ(co_await ending, 7);
}

CO_TEST(cancellation, during_a_cleanup_that_awaits_interrupts_the_cleanup) {
    trace said;
    auto body = [&]() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            said.push_back("first");
        }
        try {
            co_await mayhem::sleep(1s);
        } catch (const cancelled&) {
            said.push_back("second");
            throw;
        }
    };
    auto target = create_task(body());
    co_await yield();
    target.cancel();
    co_await ticks(2);
    target.cancel();
    CO_EXPECT_THROW(co_await target, cancelled);
    EXPECT_EQ(said, (trace{"first", "second"}));
}

CO_TEST(cancellation, after_a_future_was_resolved_is_raised_once_the_value_was_given) {
    promise<int> source;
    int received = 0;
    bool stopped = false;
    auto body = [&]() -> coro<> {
        received = co_await source.get_future();
        try {
            co_await yield();
        } catch (const cancelled&) {
            stopped = true;
        }
    };
    auto reader = create_task(body());
    co_await yield();
    source.set_value(5);
    EXPECT_TRUE(reader.cancel());
    co_await reader;
    EXPECT_EQ(received, 5);
    EXPECT_TRUE(stopped);
}

CO_TEST(cancellation, that_was_taken_back_is_not_delivered) {
    auto body = []() -> coro<int> {
        const task_ref self = current_task();
        task_ref(self).cancel();
        EXPECT_EQ(task_ref(self).uncancel(), 0);
        co_await yield();
        co_return 3;
    };
    auto target = create_task(body());
    EXPECT_EQ(co_await target, 3);
    EXPECT_EQ(target.cancelling(), 0);
    EXPECT_EQ(target.uncancel(), 0);
}

CO_TEST(cancellation, that_was_taken_back_before_the_start_lets_the_body_run) {
    auto body = []() -> coro<int> { co_return 3; };
    auto target = create_task(body());
    target.cancel();
    target.cancel();
    EXPECT_EQ(target.uncancel(), 1);
    EXPECT_EQ(target.uncancel(), 0);
    EXPECT_EQ(co_await target, 3);
    EXPECT_FALSE(target.is_cancelled());
}

CO_TEST(cancellation, of_a_sleeper_whose_time_has_come_wins) {
    std::optional<bool> stopped;
    task<> sleeper;
    auto body = [&]() -> coro<> {
        try {
            co_await mayhem::sleep(1s);
            stopped = false;
        } catch (const cancelled&) {
            stopped = true;
        }
    };
    auto canceller = [&]() -> coro<> {
        co_await mayhem::sleep(1s);
        sleeper.cancel();
    };
    auto cancelling = create_task(canceller());  // its timer comes first
    sleeper = create_task(body());
    co_await gather(sleeper, cancelling);
    EXPECT_EQ(stopped, true);
}

CO_TEST(cancellation, timers_that_are_due_together_may_cancel_each_other) {
    std::vector<task<>> sleepers;
    int woken = 0;
    auto body = [&](std::size_t other) -> coro<> {
        co_await mayhem::sleep(1s);
        ++woken;
        sleepers[other].cancel();
    };
    sleepers.push_back(create_task(body(1)));
    sleepers.push_back(create_task(body(0)));
    co_await mayhem::wait(sleepers);
    EXPECT_EQ(woken, 1);
    EXPECT_FALSE(sleepers[0].is_cancelled());
    EXPECT_TRUE(sleepers[1].is_cancelled());
}

CO_TEST(cancellation, a_pending_request_ends_a_wait_that_begins) {
    event never;
    auto body = [&]() -> coro<> {
        current_task().cancel();
        co_await never.wait();
    };
    auto target = create_task(body());
    CO_EXPECT_THROW(co_await target, cancelled);
}

CO_TEST(cancellation, travels_along_a_chain_of_two_hundred_thousand_tasks) {
    event never;
    auto wait_on = [](task<> other) -> coro<> { co_await other; };
    task<> first = create_task(never.wait());
    task<> last = first;
    for (int i = 0; i < 200'000; ++i) last = create_task(wait_on(last));
    co_await ticks(2);
    last.cancel();
    CO_EXPECT_THROW(co_await last, cancelled);
    EXPECT_TRUE(first.is_cancelled());
}

CO_TEST(cancellation, breaks_a_circle_of_tasks_that_wait_for_each_other) {
    std::vector<task<>> circle(5);
    auto wait_on = [&](std::size_t other) -> coro<> { co_await circle[other]; };
    for (std::size_t i = 0; i < circle.size(); ++i) {
        circle[i] = create_task(wait_on((i + 1) % circle.size()));
    }
    task<> outside = create_task(wait_on(0));
    co_await ticks(2);
    outside.cancel();
    co_await mayhem::wait(circle);
    co_await ticks(3);
    for (const task<>& each : circle) EXPECT_TRUE(each.is_cancelled());
    EXPECT_TRUE(outside.is_cancelled());
}

CO_TEST(cancellation, breaks_a_circle_through_gather) {
    task<> first;
    task<> second;
    auto wait_on = [](task<>& other) -> coro<> { co_await gather(other); };
    first = create_task(wait_on(second));
    second = create_task(wait_on(first));
    co_await ticks(2);
    first.cancel();
    std::vector tasks{first, second};
    co_await mayhem::wait(std::move(tasks));
    EXPECT_TRUE(first.is_cancelled());
    EXPECT_TRUE(second.is_cancelled());
}

}  // namespace
