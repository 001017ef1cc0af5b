// Context variables: who sees which value, and what tokens allow.
#include "tasks/context_var.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tasks/coro/runtime.hpp"
#include "tasks/executor.hpp"
#include "tasks/gather.hpp"
#include "tasks/task_group.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/threadsafe.hpp"
#include "tasks/timeout.hpp"
#include "tests/tasks/support.hpp"

using namespace std::chrono_literals;
using namespace mayhem;
using namespace mayhem::testing;

namespace {

context_var<int> level("level", 0);
context_var<std::string> bare("bare");

coro<int> read_level() { co_return level.get(); }

coro<> set_level(int value) {
    level.set(value);
    co_await yield();
    EXPECT_EQ(level.get(), value);
}

}  // namespace

TEST(context_var, without_a_value_gives_its_default_or_an_error_that_names_it) {
    EXPECT_EQ(level.get(), 0);
    EXPECT_EQ(level.get(7), 7);
    try {
        (void)bare.get();
        FAIL() << "no error";
    } catch (const std::out_of_range& error) {
        EXPECT_NE(std::string(error.what()).find("'bare'"), std::string::npos);
    }
}

TEST(context_var, set_returns_a_token_that_restores_the_former_value_once) {
    context().run([] {
        auto first = level.set(1);
        EXPECT_EQ(first.old_value(), std::nullopt);
        auto second = level.set(2);
        EXPECT_EQ(second.old_value(), 1);
        level.reset(second);
        EXPECT_EQ(level.get(), 1);
        EXPECT_THROW(level.reset(second), std::logic_error);
        level.reset(first);
        EXPECT_EQ(level.get(5), 5);
    });
}

TEST(context_var, a_token_of_another_variable_is_refused) {
    context().run([] {
        context_var<int> other("other");
        auto token = level.set(1);
        EXPECT_THROW(other.reset(token), std::logic_error);
        EXPECT_EQ(level.get(), 1);
    });
}

TEST(context_var, a_token_of_another_context_is_refused) {
    context().run([] {
        auto token = level.set(1);
        context copy = copy_context();
        copy.run([&] { EXPECT_THROW(level.reset(token), std::logic_error); });
        level.reset(token);
        EXPECT_EQ(level.get(), 0);
    });
}

TEST(context_var, a_binding_ends_with_its_scope) {
    context().run([] {
        level.set(1);
        {
            const auto bound = level.bind(2);
            EXPECT_EQ(level.get(), 2);
        }
        EXPECT_EQ(level.get(), 1);
    });
}

TEST(context_var, a_copy_keeps_its_values_whatever_happens_to_the_original) {
    context().run([] {
        level.set(1);
        context copy = copy_context();
        level.set(2);
        EXPECT_EQ(copy.run([] { return level.get(); }), 1);
        copy.run([] { level.set(3); });
        EXPECT_EQ(level.get(), 2);
        EXPECT_EQ(copy.run([] { return level.get(); }), 3);
    });
}

TEST(context_var, values_are_destroyed_with_the_last_context_that_has_them) {
    context_var<live_object> variable("object");
    {
        context one;
        one.run([&] { variable.set(live_object(1)); });
        context two = one;
        EXPECT_EQ(live_object::alive(), 1);
        two.run([&] { variable.set(live_object(2)); });
        EXPECT_EQ(live_object::alive(), 2);
    }
    EXPECT_EQ(live_object::alive(), 0);
}

CO_TEST(context_var, a_task_starts_with_a_copy_of_its_creators_context) {
    level.set(1);
    auto child = create_task(read_level());
    level.set(2);
    EXPECT_EQ(co_await child, 1);
}

CO_TEST(context_var, what_a_task_sets_stays_with_it) {
    level.set(1);
    auto child = create_task(set_level(2));
    co_await child;
    EXPECT_EQ(level.get(), 1);
}

CO_TEST(context_var, interleaved_tasks_do_not_see_each_others_values) {
    std::vector<coro<>> tasks;
    for (int value = 1; value <= 5; ++value) tasks.push_back(set_level(value));
    co_await gather(std::move(tasks));
    EXPECT_EQ(level.get(), 0);
}

CO_TEST(context_var, an_awaited_coroutine_shares_the_context_of_its_task) {
    co_await set_level(3);
    EXPECT_EQ(level.get(), 3);
    co_await timeout(1s, set_level(4));
    EXPECT_EQ(level.get(), 4);
}

CO_TEST(context_var, children_of_a_group_start_with_the_values_of_the_body) {
    level.set(6);
    int seen = 0;
    auto read = [&]() -> coro<> {
        seen = level.get();
        co_return;
    };
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(read());
        co_return;
    };
    co_await with_task_group(body);
    EXPECT_EQ(seen, 6);
}

CO_TEST(context_var, callbacks_keep_the_context_in_which_they_were_scheduled) {
    std::vector<int> seen;
    auto note = [&] {
        seen.push_back(level.get());
        level.set(100);  // seen by nobody else
    };
    level.set(1);
    get_running_loop().call_soon(note);
    level.set(2);
    get_running_loop().call_later(1s, note);
    level.set(3);
    get_running_loop().call_soon_threadsafe(note);
    level.set(4);
    current_task().state()->loop()->call_soon(note);
    co_await mayhem::sleep(2s);
    const std::vector<int> expected{1, 4, 3, 2};
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(level.get(), 4);
}

CO_TEST(context_var, done_callbacks_keep_the_context_in_which_they_were_added) {
    int seen = 0;
    auto child = create_task(set_level(9));
    level.set(5);
    child.add_done_callback([&] { seen = level.get(); });
    level.set(6);
    co_await child;
    co_await yield();
    EXPECT_EQ(seen, 5);
}

CO_TEST(context_var, signal_handlers_run_in_the_context_in_which_they_were_added) {
    std::vector<int> seen;
    level.set(5);
    get_running_loop().add_signal_handler(SIGUSR1, [&](int) {
        seen.push_back(level.get());
        level.set(50);
    });
    level.set(6);
    for (std::size_t call = 1; call <= 2; ++call) {
        ::raise(SIGUSR1);
        while (seen.size() < call) co_await yield();
    }
    get_running_loop().remove_signal_handler(SIGUSR1);
    const std::vector<int> expected{5, 5};
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(level.get(), 6);
}

CO_TEST(context_var, a_job_in_an_executor_sees_a_copy_of_the_context) {
    level.set(8);
    auto job = [] {
        const int seen = level.get();
        level.set(80);
        return seen;
    };
    const int first = co_await to_thread(job);
    const int second = co_await run_in_executor(job);  // perhaps on the same thread
    EXPECT_EQ(first, 8);
    EXPECT_EQ(second, 8);
    EXPECT_EQ(level.get(), 8);
}

CO_TEST(context_var, a_coroutine_from_another_thread_sees_that_threads_values) {
    event_loop& loop = get_running_loop();
    level.set(1);
    int seen = 0;
    auto submit = [&] {
        level.set(2);
        seen = run_coroutine_threadsafe(read_level(), loop).get();
    };
    co_await in_thread(submit);
    EXPECT_EQ(seen, 2);
}

TEST(context_var, the_main_task_sees_the_values_of_who_runs_it) {
    for_each_backend([](backend_kind kind) {
        context().run([&] {
            level.set(11);
            EXPECT_EQ(mayhem::run(read_level(), test_options(kind)), 11);
            mayhem::run(set_level(12), test_options(kind));
            EXPECT_EQ(level.get(), 11);
        });
    });
}

context_var<std::shared_ptr<void>> owner("owner");

TEST(context_var, the_destructor_of_a_replaced_value_may_use_the_context) {
    context().run([&] {
        bool saw_itself = true;
        const auto look_and_set = [&saw_itself](void*) {
            saw_itself = owner.get(nullptr) != nullptr;
            level.set(7);
        };
        auto token = owner.set(std::shared_ptr<void>(&saw_itself, look_and_set));
        owner.reset(token);
        EXPECT_FALSE(saw_itself);
        EXPECT_EQ(level.get(), 7);
    });
}

TEST(context_var, a_binding_in_a_frame_that_the_loop_destroys_touches_no_other_context) {
    for_each_backend([](backend_kind kind) {
        context().run([&] {
            level.set(1);
            runner own(test_options(kind));
            own.loop().set_exception_handler([](event_loop&, const exception_context&) {});
            auto hold = []() -> coro<> {
                const auto bound = level.bind(2);
                for (;;) {
                    try {
                        co_await sleep_long();
                    } catch (const cancelled&) {
                        EXPECT_EQ(level.get(), 2);
                    }
                }
            };
            auto body = [&]() -> coro<> {
                create_task(hold());
                co_await yield();
            };
            own.run(body());
            own.close();
            EXPECT_EQ(level.get(), 1);
        });
    });
}
