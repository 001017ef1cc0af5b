// run: a loop around one coroutine, from which nothing is left afterwards.
#include "tasks/run.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
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

run_options interruptible(backend_kind kind) {
    run_options options = test_options(kind);
    options.handle_interrupt = true;
    return options;
}

TEST(run, ctrl_c_cancels_the_main_task_which_may_clean_up) {
    for_each_backend([](backend_kind kind) {
        bool cleaned_up = false;
        auto body = [&]() -> coro<> {
            ::raise(SIGINT);
            std::exception_ptr stopped;
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                stopped = std::current_exception();
            }
            co_await mayhem::sleep(1s);
            cleaned_up = true;
            std::rethrow_exception(stopped);
        };
        EXPECT_THROW(run(body(), interruptible(kind)), interrupted);
        EXPECT_TRUE(cleaned_up);
    });
}

/// A thread that leaves SIGINT to others.
template <typename Function>
std::jthread start_without_interrupt(Function function) {
    sigset_t interrupt;
    sigset_t before;
    ::sigemptyset(&interrupt);
    ::sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &interrupt, &before);  // the thread inherits it
    std::jthread started(std::move(function));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

TEST(run, ctrl_c_that_comes_when_the_loop_looks_whether_anything_can_wake_it_is_heard) {
    for_each_real_backend("the kernel's signals and clock", [](backend_kind kind) {
        auto body = []() -> coro<> {
            ::raise(SIGINT);
            co_await event().wait();
        };
        run_options options;
        options.loop.backend = kind;
        std::promise<void> over;
        // Without another thread, nobody could wake the loop, and that would be reported instead.
        const std::jthread other = start_without_interrupt([&] { over.get_future().wait(); });
        EXPECT_THROW(run(body(), options), interrupted);
        over.set_value();
    });
}

TEST(run, a_signal_of_a_thread_that_ends_at_once_is_no_deadlock) {
    for_each_real_backend("the kernel's signals and clock", [](backend_kind kind) {
        for (int time = 0; time < 50; ++time) {
            std::atomic<bool> begun = false;
            auto body = [&]() -> coro<> {
                begun = true;
                co_await event().wait();
            };
            const std::jthread sender = start_without_interrupt([&] {
                while (!begun) std::this_thread::yield();
                ::kill(::getpid(), SIGINT);
            });
            run_options options;
            options.loop.backend = kind;
            EXPECT_THROW(run(body(), options), interrupted);
        }
    });
}

TEST(run, ctrl_c_that_the_main_task_answers_with_a_value_is_no_interruption) {
    for_each_backend([](backend_kind kind) {
        auto body = []() -> coro<int> {
            ::raise(SIGINT);
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                co_return 5;
            }
            co_return 0;
        };
        EXPECT_EQ(run(body(), interruptible(kind)), 5);
    });
}

TEST(run, a_second_ctrl_c_stops_at_once) {
    for_each_backend([](backend_kind kind) {
        auto body = []() -> coro<> {
            ::raise(SIGINT);
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                // does not care
            }
            ::raise(SIGINT);
            co_await ticks(5);
            ADD_FAILURE() << "went on after the second interrupt";
        };
        EXPECT_THROW(run(body(), interruptible(kind)), interrupted);
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

TEST(run_forever, ctrl_c_throws_and_leaves_the_tasks_as_they_are) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        int rounds = 0;
        auto body = [&]() -> coro<> {
            for (;;) {
                co_await mayhem::sleep(1s);
                if (++rounds % 3 == 0) ::raise(SIGINT);
            }
        };
        const task<> endless = create_task(loop, body());
        EXPECT_THROW(run_forever(loop), interrupted);
        EXPECT_EQ(rounds, 3);
        EXPECT_FALSE(endless.done());
        EXPECT_THROW(run_forever(loop), interrupted);
        EXPECT_EQ(rounds, 6);
        EXPECT_FALSE(loop.has_signal_handler(SIGINT));
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
    });
}

TEST(run_forever, leaves_ctrl_c_to_the_handler_that_the_loop_has) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        int heard = 0;
        loop.add_signal_handler(SIGINT, [&](int) {
            ++heard;
            loop.stop();
        });
        loop.call_soon([] { ::raise(SIGINT); });
        run_forever(loop);
        EXPECT_EQ(heard, 1);
        EXPECT_TRUE(loop.has_signal_handler(SIGINT));
    });
}

TEST(run_until_complete, gives_the_value_or_the_exception_and_keeps_the_loop) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        EXPECT_EQ(run_until_complete(loop, value_after(1s, 7)), 7);
        EXPECT_THROW(run_until_complete(loop, fail_after(1s, "no")), std::runtime_error);
        run_until_complete(loop, ticks(1));
    });
}

TEST(run_until_complete, interrupted_it_leaves_a_task_that_stops_no_later_run) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        auto body = []() -> coro<> {
            ::raise(SIGINT);
            co_await mayhem::sleep(1s);
        };
        EXPECT_THROW(run_until_complete(loop, body()), interrupted);
        EXPECT_EQ(run_until_complete(loop, value_after(5s, 7)), 7);
        EXPECT_TRUE(all_tasks(loop).empty());
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

TEST(run, restores_the_disposition_of_ctrl_c) {
    struct sigaction before{};
    struct sigaction after{};
    ::sigaction(SIGINT, nullptr, &before);
    run(ticks(1));
    ::sigaction(SIGINT, nullptr, &after);
    EXPECT_EQ(before.sa_handler, after.sa_handler);
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    EXPECT_EQ(sigismember(&blocked, SIGINT), 0);
}

}  // namespace
