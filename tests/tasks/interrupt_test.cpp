// Ctrl-C and other signals while run, run_forever and run_until_complete are at work.
#include <atomic>
#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

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
