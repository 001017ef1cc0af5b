// Several loops on threads of their own: how they start, cross over to each other, and end
// together.
#include "tasks/loop_group.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <thread>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;

constexpr const char* needs_threads =
    "each loop has a thread of its own, and so a kernel of its own";

loop_group_options three(backend_kind kind) {
    loop_group_options options;
    options.size = 3;
    options.run.loop.backend = kind;
    return options;
}

coro<> wait_for_ever() { co_await event().wait(); }

TEST(loop_group, runs_the_body_once_on_each_loop_in_a_thread_of_its_own) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        std::mutex mutex;
        std::set<std::size_t> indices;
        std::set<std::thread::id> threads;
        loop_group group(three(kind));
        group.run([&](std::size_t index) -> coro<> {
            EXPECT_EQ(&get_running_loop(), &group.loop(index));
            co_await yield();
            const std::lock_guard lock(mutex);
            indices.insert(index);
            threads.insert(std::this_thread::get_id());
        });
        EXPECT_EQ(indices, (std::set<std::size_t>{0, 1, 2}));
        EXPECT_EQ(threads.size(), 3U);
        EXPECT_TRUE(threads.contains(std::this_thread::get_id()));
        EXPECT_THROW(static_cast<void>(group.loop(0)), loop_error);
    });
}

TEST(loop_group, by_default_has_a_loop_for_each_processor_that_may_be_used) {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    EXPECT_EQ(loop_group().size(), static_cast<std::size_t>(CPU_COUNT(&allowed)));
}

TEST(loop_group, pins_each_loop_to_a_processor_of_its_own_and_lets_go_at_the_end) {
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    std::mutex mutex;
    std::set<int> processors;
    loop_group group;
    group.run([&](std::size_t) -> coro<> {
        cpu_set_t own;
        EXPECT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
        EXPECT_EQ(CPU_COUNT(&own), 1);
        const std::lock_guard lock(mutex);
        processors.insert(::sched_getcpu());
        co_return;
    });
    EXPECT_EQ(processors.size(), group.size());
    cpu_set_t after;
    ASSERT_EQ(::sched_getaffinity(0, sizeof after, &after), 0);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(loop_group, names_its_threads) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        std::array<std::string, 3> names;
        loop_group_options options = three(kind);
        options.name = "worker";
        loop_group(options).run([&](std::size_t index) -> coro<> {
            // The name is given by the starting thread, a moment after the thread has begun.
            std::array<char, 16> name{};
            do {
                co_await yield();
                ::pthread_getname_np(::pthread_self(), name.data(), name.size());
            } while (index != 0 && !std::string(name.data()).starts_with("worker"));
            names.at(index) = name.data();
        });
        EXPECT_EQ(names[1], "worker-1");
        EXPECT_EQ(names[2], "worker-2");
    });
}

TEST(loop_group, a_loop_serves_the_others_until_the_last_body_has_ended) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        loop_group group(three(kind));
        group.run([&](std::size_t index) -> coro<> {
            if (index != 2) co_return;  // their bodies have ended, or will at once
            for (std::size_t other = 0; other < 2; ++other) {
                auto ask = [&] {
                    return run_coroutine_threadsafe(value_after(duration{0}, 7), group.loop(other))
                        .get();
                };
                const int answer = co_await in_thread(ask);
                EXPECT_EQ(answer, 7);
            }
        });
    });
}

TEST(loop_group, a_connection_can_be_handed_to_another_loop) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        loop_group group(three(kind));
        auto answer = [&](unique_fd handed) -> coro<> {
            unix_stream stream(get_running_loop(), std::move(handed));
            std::array<std::byte, 4> question{};
            co_await stream.read_exactly(question);
            co_await stream.write_all("pong");
            co_await stream.close();
        };
        group.run([&](std::size_t index) -> coro<> {
            if (index != 0) co_return;
            auto [near, far] = unix_stream::pair();
            co_await near.write_all("ping");
            run_coroutine_threadsafe(answer(far.release()), group.loop(1));
            EXPECT_FALSE(far.is_open());
            std::array<std::byte, 4> reply{};
            co_await near.read_exactly(reply);
            EXPECT_EQ(static_cast<char>(reply[1]), 'o');
        });
    });
}

TEST(loop_group, when_one_body_fails_the_others_are_cancelled_and_the_error_is_thrown) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        for (std::size_t failing = 0; failing < 3; ++failing) {
            std::atomic<int> begun = 0;
            std::atomic<int> cancelled_bodies = 0;
            std::size_t failures = 0;
            try {
                loop_group(three(kind)).run([&](std::size_t index) -> coro<> {
                    ++begun;
                    while (begun < 3) co_await yield();  // one that has not begun never does
                    if (index == failing) throw std::runtime_error("no");
                    try {
                        co_await wait_for_ever();
                    } catch (const cancelled&) {
                        ++cancelled_bodies;
                        throw;
                    }
                });
            } catch (const exception_group& error) {
                failures = error.count<std::runtime_error>();
            }
            EXPECT_EQ(failures, 1U);
            EXPECT_EQ(cancelled_bodies, 2);
        }
    });
}

TEST(loop_group, a_body_that_is_cancelled_takes_the_others_with_it) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        const auto run = [&] {
            loop_group(three(kind)).run([](std::size_t index) -> coro<> {
                if (index == 1) current_task().cancel();
                co_await wait_for_ever();
            });
        };
        EXPECT_THROW(run(), cancelled);
    });
}

TEST(loop_group, ctrl_c_ends_all_bodies) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        std::atomic<int> begun = 0;
        const auto run = [&] {
            loop_group(three(kind)).run([&](std::size_t) -> coro<> {
                if (++begun == 3) ::kill(::getpid(), SIGINT);
                co_await wait_for_ever();
            });
        };
        EXPECT_THROW(run(), interrupted);
        EXPECT_EQ(begun, 3);
    });
}

TEST(loop_group, signals_reach_the_first_loop_only) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        loop_group group(three(kind));
        std::atomic<int> ready = 0;
        group.run([&](std::size_t index) -> coro<> {
            sigset_t blocked;
            ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
            EXPECT_EQ(sigismember(&blocked, SIGUSR1) == 1, index != 0);
            ++ready;
            if (index != 0) co_return;
            event came;
            get_running_loop().add_signal_handler(SIGUSR1, [&](int) { came.set(); });
            ::kill(::getpid(), SIGUSR1);
            co_await came.wait();
            get_running_loop().remove_signal_handler(SIGUSR1);
        });
    });
}

TEST(loop_group, without_descriptors_for_its_loops_it_runs_nothing_and_says_why) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        rlimit before{};
        ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
        const rlimit tight{open_descriptors() + 6, before.rlim_max};  // enough for one loop
        std::atomic<int> begun = 0;
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
        const auto run = [&] {
            loop_group(three(kind)).run([&](std::size_t) -> coro<> {
                ++begun;
                co_return;
            });
        };
        EXPECT_THROW(run(), std::system_error);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        EXPECT_EQ(begun, 0);
    });
}

TEST(loop_group, can_run_again_but_not_twice_at_a_time) {
    for_each_real_backend(needs_threads, [](backend_kind kind) {
        loop_group group(three(kind));
        std::atomic<int> runs = 0;
        const auto count = [&](std::size_t) -> coro<> {
            ++runs;
            co_return;
        };
        group.run(count);
        group.run(count);
        EXPECT_EQ(runs, 6);
        group.run([&](std::size_t index) -> coro<> {
            if (index != 0) co_return;
            EXPECT_THROW(group.run(count), loop_error);
        });
    });
}

}  // namespace
