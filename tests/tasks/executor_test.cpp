// Executors: blocking work on threads, and what becomes of it when somebody loses patience.
#include "tasks/executor.hpp"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

REAL_CO_TEST(executor, runs_jobs_on_another_thread_and_brings_the_value_home,
             "jobs run on threads of their own") {
    const auto loop_thread = std::this_thread::get_id();
    auto job = [] { return std::this_thread::get_id(); };
    EXPECT_NE(co_await run_in_executor(job), loop_thread);
    EXPECT_EQ(std::this_thread::get_id(), loop_thread);
    auto nothing = [] {};
    co_await run_in_executor(nothing);
}

CO_TEST(executor, brings_the_exception_home) {
    auto job = []() -> int { throw std::out_of_range("from the thread"); };
    std::string what;
    try {
        co_await run_in_executor(job);
    } catch (const std::out_of_range& error) {
        what = error.what();
    }
    EXPECT_EQ(what, "from the thread");
}

CO_TEST(executor, to_thread_moves_its_arguments) {
    auto add = [](std::unique_ptr<int> left, int right) { return *left + right; };
    auto left = std::make_unique<int>(3);
    EXPECT_EQ(co_await to_thread(add, std::move(left), 4), 7);
}

CO_TEST(executor, a_job_can_be_started_in_the_background) {
    thread_pool_executor pool(1);
    int seen = 0;
    auto add = [](int& to, int one, int other) { return to = one + other; };
    auto running = create_task(run_in_executor(pool, add, std::ref(seen), 3, 4));
    EXPECT_EQ(co_await running, 7);
    EXPECT_EQ(seen, 7);
}

CO_TEST(executor, jobs_can_be_gathered) {
    thread_pool_executor pool(2);
    auto half = [](int number) {
        return number % 2 == 0 ? number / 2 : throw std::logic_error("odd");
    };
    auto jobs = [&](int number) { return run_in_executor(pool, half, number); };
    auto [four, five] = co_await gather(return_exceptions, jobs(4), jobs(5));
    EXPECT_EQ(four.value(), 2);
    CO_EXPECT_THROW(five.value(), std::logic_error);
    std::vector<decltype(jobs(0))> many;
    for (int number = 0; number < 8; number += 2) many.push_back(jobs(number));
    const std::vector<int> halves = co_await gather(std::move(many));
    EXPECT_EQ(halves, (std::vector{0, 1, 2, 3}));
}

CO_TEST(executor, gives_move_only_results) {
    auto job = [] { return std::make_unique<int>(3); };
    EXPECT_EQ(*co_await run_in_executor(job), 3);
}

CO_TEST(executor, destroys_a_job_once) {
    {
        auto job = [held = live_object(4)] { return held.value(); };
        EXPECT_EQ(co_await run_in_executor(std::move(job)), 4);
    }
    co_await yield();  // the completion that woke us held the job
    EXPECT_EQ(live_object::alive(), 0);
}

REAL_CO_TEST(executor, runs_jobs_concurrently_and_keeps_the_loop_free,
             "jobs run on threads of their own") {
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    auto job = [released] { released.wait(); };
    auto body = [&]() -> coro<> { co_await run_in_executor(job); };
    auto first = create_task(body());
    co_await ticks(3);
    release.set_value();
    co_await first;
}

REAL_CO_TEST(executor, cancelling_ends_the_wait_and_not_the_job,
             "jobs run on threads of their own") {
    std::promise<void> release;
    std::promise<int> ended;
    auto job = [&, released = release.get_future().share()] {
        released.wait();
        ended.set_value(1);
    };
    auto body = [&]() -> coro<> { co_await run_in_executor(job); };
    auto waiter = create_task(body());
    co_await ticks(2);
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    release.set_value();
    EXPECT_EQ(ended.get_future().get(), 1);
}

CO_TEST(executor, a_task_that_is_cancelled_before_does_not_submit_its_job) {
    std::atomic<bool> ran = false;
    auto job = [&] { ran = true; };
    auto body = [&]() -> coro<> {
        current_task().cancel();
        co_await run_in_executor(job);
    };
    auto waiter = create_task(body());
    CO_EXPECT_THROW(co_await waiter, cancelled);
    auto other = [] {};
    co_await run_in_executor(other);
    EXPECT_FALSE(ran);
}

REAL_CO_TEST(executor, a_saturated_pool_whose_jobs_call_back_into_the_loop_makes_progress,
             "jobs run on threads of their own") {
    thread_pool_executor pool(1);
    event_loop& loop = get_running_loop();
    auto job = [&loop] { return run_coroutine_threadsafe(value_after(0s, 1), loop).get(); };
    auto body = [&]() -> coro<int> { co_return co_await run_in_executor(pool, job); };
    std::vector<coro<int>> jobs;
    for (int i = 0; i < 50; ++i) jobs.push_back(body());
    int sum = 0;
    const auto values = co_await gather(std::move(jobs));
    for (const int one : values) sum += one;
    EXPECT_EQ(sum, 50);
    EXPECT_EQ(pool.threads(), 1U);
}

CO_TEST(executor, starts_no_more_threads_than_it_may) {
    thread_pool_executor pool(2);
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    auto job = [&] {
        const int now = ++inside;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) continue;
        std::this_thread::yield();
        --inside;
    };
    auto body = [&]() -> coro<> { co_await run_in_executor(pool, job); };
    std::vector<coro<>> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(body());
    co_await gather(std::move(jobs));
    EXPECT_LE(most, 2);
    EXPECT_LE(pool.threads(), 2U);
}

CO_TEST(executor, refuses_jobs_after_its_shutdown) {
    thread_pool_executor pool(1);
    EXPECT_TRUE(pool.shutdown());
    auto job = [] {};
    CO_EXPECT_THROW(co_await run_in_executor(pool, job), loop_error);
}

REAL_CO_TEST(executor, shutdown_gives_up_when_its_time_is_over,
             "jobs run on threads of their own") {
    const log_capture log;
    std::promise<void> release;
    std::promise<void> started;
    auto job = [&, released = release.get_future().share()] {
        started.set_value();
        released.wait();
    };
    auto queued = [] {};
    thread_pool_executor pool(1);
    auto run_job = [&](auto& work) -> coro<> { co_await run_in_executor(pool, work); };
    auto first = create_task(run_job(job));
    auto second = create_task(run_job(queued));
    co_await ticks(2);
    started.get_future().wait();
    EXPECT_FALSE(pool.shutdown(0ns));
    EXPECT_EQ(log.count("did not finish joining its threads"), 1U);
    CO_EXPECT_THROW(co_await second, loop_error);
    release.set_value();
    co_await first;
    while (pool.threads() > 0) std::this_thread::yield();  // nobody joins what was left behind
}

TEST(executor, a_job_that_outlives_its_loop_is_inert) {
    for_each_real_backend("jobs run on threads of their own", [](backend_kind kind) {
        std::promise<void> release;
        std::promise<void> ended;
        auto pool = std::make_shared<thread_pool_executor>(1);
        auto job = [&, released = release.get_future().share()] {
            released.wait();
            ended.set_value();
            return live_object(1).value();
        };
        auto wait_for_job = [&]() -> coro<> { co_await run_in_executor(*pool, job); };
        auto body = [&]() -> coro<> {
            create_task(wait_for_job());
            co_await ticks(2);
        };
        run(body(), test_options(kind));  // cancels the wait, and closes the loop
        release.set_value();
        ended.get_future().wait();
        EXPECT_TRUE(pool->shutdown());
    });
}

TEST(executor, a_loop_closed_by_hand_with_a_job_running_is_inert) {
    for_each_real_backend("jobs run on threads of their own", [](backend_kind kind) {
        std::promise<void> release;
        thread_pool_executor pool(1);
        auto job = [released = release.get_future().share()] { released.wait(); };
        {
            loop_options options;
            options.backend = kind;
            event_loop loop(options);
            loop.set_exception_handler([](event_loop&, const exception_context&) {});
            auto wait_for_job = [&]() -> coro<> { co_await run_in_executor(pool, job); };
            create_task(loop, wait_for_job());
            loop.stop();
            loop.run_forever();
        }
        release.set_value();
        EXPECT_TRUE(pool.shutdown());
    });
}

}  // namespace
