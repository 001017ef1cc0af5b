// run: a loop around one coroutine, from which nothing is left afterwards.
#include "tasks/run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

TEST(run, gives_the_value_or_the_exception_of_its_coroutine) {
    for_each_backend([](backend_kind kind) {
        EXPECT_EQ(run(value_after(1s, 7), test_options(kind)), 7);
        EXPECT_THROW(run(fail_after(1s, "no"), test_options(kind)), std::runtime_error);
        run(ticks(1), test_options(kind));
    });
}

TEST(run, gives_a_move_only_value) {
    auto body = []() -> coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    EXPECT_EQ(*run(body()), 3);
}

TEST(run, cancels_what_is_left_and_waits_for_its_cleanup) {
    for_each_backend([](backend_kind kind) {
        std::vector<std::string> said;
        auto worker = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                said.push_back("cancelled");
            }
            co_await mayhem::sleep(5s);
            said.push_back("cleaned up");
        };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await yield();
        };
        run(body(), test_options(kind));
        EXPECT_EQ(said, (std::vector<std::string>{"cancelled", "cleaned up"}));
    });
}

TEST(run, cancels_tasks_that_the_cleanup_starts) {
    for_each_backend([](backend_kind kind) {
        int stopped = 0;
        auto last = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                ++stopped;
                throw;
            }
        };
        auto worker = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                create_task(last());
                throw;
            }
        };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await yield();
        };
        run(body(), test_options(kind));
        EXPECT_EQ(stopped, 1);
    });
}

TEST(run, reports_a_task_that_will_not_end) {
    for_each_backend([](backend_kind kind) {
        std::vector<std::string> messages;
        auto stubborn = []() -> coro<> {
            for (;;) {
                try {
                    co_await sleep_long();
                } catch (const cancelled&) {
                    continue;
                }
            }
        };
        auto body = [&]() -> coro<> {
            get_running_loop().set_exception_handler(
                [&](event_loop&, const exception_context& context) {
                    messages.push_back(context.message + context.subject);
                });
            create_task(stubborn(), "stubborn");
            co_await yield();
        };
        run(body(), test_options(kind));
        ASSERT_EQ(messages.size(), 1U);
        EXPECT_TRUE(messages[0].starts_with("Task was destroyed but it is pending!"));
        EXPECT_NE(messages[0].find("stubborn"), std::string::npos);
    });
}

TEST(run, reports_a_deadlock_with_every_stack_instead_of_hanging) {
    for_each_backend([](backend_kind kind) {
        auto wait_for_ever = []() -> coro<> {
            event never;
            co_await never.wait();
        };
        auto body = [&]() -> coro<> {
            create_task(wait_for_ever(), "other");
            co_await wait_for_ever();
        };
        std::string what;
        try {
            run(body(), test_options(kind));
        } catch (const deadlock& error) {
            what = error.what();
        }
        EXPECT_NE(what.find("Deadlock"), std::string::npos);
        EXPECT_NE(what.find("name='other'"), std::string::npos);
        EXPECT_NE(what.find("run_test.cpp"), std::string::npos);
    });
}

TEST(run, a_deadlock_after_file_operations_is_reported_although_the_kernel_keeps_threads_for_them) {
    for_each_backend([](backend_kind kind) {
        const test::scratch_folder folder;
        auto body = [&]() -> coro<> {
            file written = co_await file::open(folder.file("file"), O_CREAT | O_WRONLY);
            co_await written.write_all("text");
            co_await written.sync();
            co_await written.close();
            event never;
            co_await never.wait();
        };
        EXPECT_THROW(run(body(), test_options(kind)), deadlock);
    });
}

TEST(run, tasks_that_wait_for_each_other_are_a_deadlock) {
    for_each_backend([](backend_kind kind) {
        auto body = []() -> coro<> {
            task<> first;
            task<> second;
            auto wait_on = [](task<>& other) -> coro<> { co_await other; };
            first = create_task(wait_on(second));
            second = create_task(wait_on(first));
            co_await first;
        };
        EXPECT_THROW(run(body(), test_options(kind)), deadlock);
    });
}

TEST(run, inside_of_run_is_an_error) {
    for_each_backend([](backend_kind kind) {
        const log_capture log;
        run_options options = test_options(kind);
        options.loop.debug = true;  // says so when a coroutine is never awaited
        auto body = []() -> coro<> {
            auto inner = ticks(1);
            EXPECT_THROW(run(std::move(inner)), loop_error);
            co_return;
        };
        run(body(), options);
        EXPECT_EQ(log.count("ticks' was never awaited"), 1U);
    });
}

TEST(run, stopped_early_is_an_error_and_the_task_can_go_on) {
    for_each_backend([](backend_kind kind) {
        runner own(test_options(kind));
        int step = 0;
        auto body = [&]() -> coro<> {
            step = 1;
            get_running_loop().stop();
            co_await ticks(3);
            step = 2;
        };
        EXPECT_THROW(own.run(body()), loop_error);
        EXPECT_EQ(step, 1);
        own.run(ticks(5));
        EXPECT_EQ(step, 2);
    });
}

TEST(run, a_runner_runs_several_coroutines_on_one_loop) {
    for_each_backend([](backend_kind kind) {
        runner own(test_options(kind));
        event_loop* const loop = &own.loop();
        int runs = 0;
        auto body = [&]() -> coro<> {
            EXPECT_EQ(&get_running_loop(), loop);
            ++runs;
            co_return;
        };
        own.run(body());
        own.run(body());
        own.close();
        own.close();
        EXPECT_EQ(runs, 2);
    });
}

TEST(run, cleans_up_also_when_nobody_catches_what_it_throws) {
    const auto fail_with_a_worker = [] {
        auto worker = []() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                fmt::print(stderr, "cleaned up\n");
                throw;
            }
        };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await yield();
            throw std::runtime_error("no");
        };
        // On a thread of its own: GoogleTest would catch the exception on this one.
        std::thread([&] { run(body(), test_options(backend_kind::epoll)); }).join();
    };
    EXPECT_DEATH(fail_with_a_worker(), "cleaned up");
}

TEST(run_until_complete, gives_the_value_or_the_exception_and_keeps_the_loop) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        EXPECT_EQ(run_until_complete(loop, value_after(1s, 7)), 7);
        EXPECT_THROW(run_until_complete(loop, fail_after(1s, "no")), std::runtime_error);
        run_until_complete(loop, ticks(1));
    });
}

TEST(run_until_complete, stopped_by_somebody_else_is_an_error) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        loop.call_soon([&] { loop.stop(); });
        EXPECT_THROW(run_until_complete(loop, value_after(1s, 7)), loop_error);
        EXPECT_EQ(run_until_complete(loop, value_after(2s, 8)), 8);
    });
}

}  // namespace
