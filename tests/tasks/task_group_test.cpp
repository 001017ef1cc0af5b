// Task groups: everything in a group ends before the group does, and its errors come together.
#include "tasks/task_group.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

/// Awaits a group that is to fail, and gives its exceptions.
template <typename Body>
coro<std::vector<std::exception_ptr>> errors_of(Body body) {
    try {
        co_await with_task_group(std::move(body));
    } catch (const exception_group& group) {
        co_return group.exceptions();
    }
    ADD_FAILURE() << "the group did not fail";
    co_return std::vector<std::exception_ptr>();
}

CO_TEST(task_group, gives_the_value_of_its_body_after_all_children_have_ended) {
    bool child_ended = false;
    auto child = [&]() -> coro<int> {
        co_await mayhem::sleep(2s);
        child_ended = true;
        co_return 2;
    };
    task<int> kept;
    auto body = [&](task_group& group) -> coro<int> {
        kept = group.create_task(child(), "child");
        EXPECT_EQ(kept.name(), "child");
        EXPECT_EQ(group.size(), 1U);
        co_return 1;
    };
    EXPECT_EQ(co_await with_task_group(body), 1);
    EXPECT_TRUE(child_ended);
    EXPECT_EQ(kept.value(), 2);
}

CO_TEST(task_group, without_children_ends_with_its_body) {
    auto body = [](task_group&) -> coro<> { co_return; };
    co_await with_task_group(body);
}

CO_TEST(task_group, keeps_the_captures_of_its_body_alive) {
    auto make_group = [] {
        auto held = std::make_shared<int>(5);
        auto body = [held](task_group&) -> coro<int> {
            co_await ticks(3);
            co_return *held;
        };
        return with_task_group(std::move(body));
    };
    auto group = make_group();
    EXPECT_EQ(co_await std::move(group), 5);
}

CO_TEST(task_group, a_failing_child_cancels_its_siblings_and_the_body) {
    auto sibling = task<>();
    bool body_was_cancelled = false;
    auto body = [&](task_group& group) -> coro<> {
        sibling = group.create_task(sleep_long());
        group.create_task(fail_after(1s, "no"));
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            body_was_cancelled = true;
            throw;
        }
    };
    const auto errors = co_await errors_of(body);
    EXPECT_EQ(errors.size(), 1U);
    EXPECT_TRUE(sibling.is_cancelled());
    EXPECT_TRUE(body_was_cancelled);
    EXPECT_EQ(current_task().cancelling(), 0);
    co_await yield();
}

CO_TEST(task_group, a_child_that_fails_while_joining_leaves_no_request_behind) {
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(sleep_long());
        group.create_task(fail_after(1s, "no"));
        co_return;
    };
    EXPECT_EQ((co_await errors_of(body)).size(), 1U);
    EXPECT_EQ(current_task().cancelling(), 0);
    co_await yield();
}

CO_TEST(task_group, collects_the_errors_of_cleanups) {
    auto fails_twice = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            throw std::logic_error("cleanup failed");
        }
    };
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(fail_after(1s, "first"));
        group.create_task(fails_twice());
        co_await sleep_long();
    };
    EXPECT_EQ((co_await errors_of(body)).size(), 2U);
}

CO_TEST(task_group, an_error_of_the_body_cancels_the_children_and_comes_last) {
    task<> child;
    auto body = [&](task_group& group) -> coro<> {
        child = group.create_task(sleep_long());
        co_await yield();
        throw std::runtime_error("body failed");
    };
    const auto errors = co_await errors_of(body);
    CO_ASSERT_EQ(errors.size(), 1U);
    CO_EXPECT_THROW(std::rethrow_exception(errors[0]), std::runtime_error);
    EXPECT_TRUE(child.is_cancelled());
}

CO_TEST(task_group, a_child_that_is_cancelled_alone_stops_nobody) {
    auto body = [](task_group& group) -> coro<int> {
        auto victim = group.create_task(sleep_long());
        auto sibling = group.create_task(value_after(2s, 7));
        co_await mayhem::sleep(1s);
        victim.cancel();
        co_return co_await sibling;
    };
    EXPECT_EQ(co_await with_task_group(body), 7);
}

CO_TEST(task_group, refuses_children_after_a_failure) {
    bool refused = false;
    auto argument = [](live_object) -> coro<> { co_return; };
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(fail_after(1s, "no"));
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            CO_EXPECT_THROW(group.create_task(argument(live_object())), std::logic_error);
            EXPECT_EQ(live_object::alive(), 0);
            refused = true;
            throw;
        }
    };
    co_await errors_of(body);
    EXPECT_TRUE(refused);
}

CO_TEST(task_group, refuses_children_after_its_end_and_destroys_them_silently) {
    const log_capture log;
    get_running_loop().set_debug(true);  // says so when a coroutine is never awaited
    task_group* kept = nullptr;
    bool refused = false;
    auto argument = [](live_object) -> coro<> { co_return; };
    auto child = [&]() -> coro<> {
        // When its last task has ended, the group is over, although with_task_group has not run.
        current_task().add_done_callback([&] {
            try {
                kept->create_task(argument(live_object()));
            } catch (const std::logic_error&) {
                refused = true;
            }
        });
        co_return;
    };
    auto body = [&](task_group& group) -> coro<> {
        kept = &group;
        group.create_task(child());
        co_return;
    };
    co_await with_task_group(body);
    get_running_loop().set_debug(false);
    EXPECT_TRUE(refused);
    EXPECT_EQ(live_object::alive(), 0);
    EXPECT_EQ(log.count("never awaited"), 0U);
}

CO_TEST(task_group, takes_children_from_its_children_while_it_joins) {
    int ended = 0;
    auto grandchild = [&]() -> coro<> {
        co_await mayhem::sleep(1s);
        ++ended;
    };
    auto body = [&](task_group& group) -> coro<> {
        auto child = [](task_group& own, auto& make) -> coro<> {
            co_await mayhem::sleep(1s);
            own.create_task(make());
        };
        group.create_task(child(group, grandchild));
        co_return;
    };
    co_await with_task_group(body);
    EXPECT_EQ(ended, 1);
}

CO_TEST(task_group, cancelled_while_joining_cancels_the_children_and_waits_for_them) {
    bool cleaned_up = false;
    auto child = [&]() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            // takes its time
        }
        co_await mayhem::sleep(5s);
        cleaned_up = true;
    };
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(child());
        co_return;
    };
    auto parent = create_task(with_task_group(body));
    co_await ticks(3);
    parent.cancel();
    co_await ticks(3);
    EXPECT_FALSE(parent.done());
    parent.cancel();  // once more: it still waits
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(cleaned_up);
    EXPECT_TRUE(parent.is_cancelled());
}

CO_TEST(task_group, cancelled_in_its_body_cancels_the_children) {
    task<> child;
    auto body = [&](task_group& group) -> coro<> {
        child = group.create_task(sleep_long());
        co_await sleep_long();
    };
    auto parent = create_task(with_task_group(body));
    co_await ticks(3);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(child.is_cancelled());
}

CO_TEST(task_group, an_error_during_a_cancellation_comes_first_and_the_request_stays) {
    auto child = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            throw std::logic_error("cleanup failed");
        }
    };
    bool saw_group = false;
    bool saw_cancellation = false;
    auto outer = [&]() -> coro<> {
        auto body = [&](task_group& group) -> coro<> {
            group.create_task(child());
            co_await sleep_long();
        };
        try {
            co_await with_task_group(body);
        } catch (const exception_group&) {
            saw_group = true;
        }
        EXPECT_EQ(current_task().cancelling(), 1);
        try {
            co_await yield();
        } catch (const cancelled&) {
            saw_cancellation = true;
            throw;
        }
    };
    auto parent = create_task(outer());
    co_await ticks(3);
    parent.cancel();
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_TRUE(saw_group);
    EXPECT_TRUE(saw_cancellation);
}

CO_TEST(task_group, a_foreign_cancel_in_the_tick_of_a_failure_is_not_lost) {
    bool reached_the_end = false;
    auto outer = [&]() -> coro<> {
        auto body = [&](task_group& group) -> coro<> {
            group.create_task(fail_after(1s, "no"));
            co_await sleep_long();
        };
        CO_EXPECT_THROW(co_await with_task_group(body), exception_group);
        EXPECT_EQ(current_task().cancelling(), 1);
        co_await yield();
        reached_the_end = true;
    };
    auto parent = create_task(outer());
    co_await ticks(2);
    get_running_loop().call_later(1s, [&] { parent.cancel(); });
    CO_EXPECT_THROW(co_await parent, cancelled);
    EXPECT_FALSE(reached_the_end);
}

CO_TEST(task_group, within_a_timeout_ends_with_the_timeout) {
    task<> child;
    auto body = [&](task_group& group) -> coro<> {
        child = group.create_task(sleep_long());
        co_return;
    };
    CO_EXPECT_THROW(co_await timeout(1s, with_task_group(body)), timeout_error);
    EXPECT_TRUE(child.is_cancelled());
    EXPECT_EQ(current_task().cancelling(), 0);
}

CO_TEST(task_group, groups_can_be_nested) {
    auto inner = [](task_group& group) -> coro<> {
        group.create_task(fail_after(1s, "inner"));
        co_await sleep_long();
    };
    auto outer = [&](task_group& group) -> coro<> {
        group.create_task(with_task_group(inner));
        co_await sleep_long();
    };
    std::size_t flat = 0;
    try {
        co_await with_task_group(outer);
    } catch (const exception_group& group) {
        flat = group.flatten().size();
        CO_EXPECT_THROW(std::rethrow_exception(group.exceptions()[0]), exception_group);
    }
    EXPECT_EQ(flat, 1U);
}

CO_TEST(task_group, a_long_lived_group_releases_its_finished_children) {
    auto body = [](task_group& group) -> coro<> {
        auto child = []() -> coro<live_object> { co_return live_object(1); };
        for (int i = 0; i < 1000; ++i) {
            group.create_task(child());
            co_await ticks(3);
            EXPECT_EQ(group.size(), 0U);
            EXPECT_EQ(live_object::alive(), 0);
        }
    };
    co_await with_task_group(body);
}

CO_TEST(task_group, starts_operations) {
    queue<int> items;
    auto body = [&](task_group& group) -> coro<int> {
        auto getter = group.create_task(items.get());
        items.put_nowait(3);
        co_return co_await getter;
    };
    EXPECT_EQ(co_await with_task_group(body), 3);
}

TEST(task_group, that_is_pending_when_its_loop_closes_leaks_nothing) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
        auto body = [](task_group& group) -> coro<> {
            auto child = [](live_object) -> coro<> { co_await sleep_long(); };
            group.create_task(child(live_object()));
            group.create_task(child(live_object()));
            co_await sleep_long();
        };
        create_task(loop, with_task_group(body));
        for (int i = 0; i < 3; ++i) {
            loop.stop();
            loop.run_forever();
        }
        EXPECT_EQ(live_object::alive(), 2);
        loop.close();
        EXPECT_EQ(live_object::alive(), 0);
    });
}

}  // namespace
