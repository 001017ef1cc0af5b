// wait_for: one await with a limit.
#include "tasks/wait_for.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(wait_for, gives_the_value_of_what_is_done_in_time) {
    auto running = create_task(value_after(1s, 2));
    EXPECT_EQ(co_await wait_for(value_after(1s, 1), 2s), 1);
    EXPECT_EQ(co_await wait_for(running, 2s), 2);
    EXPECT_EQ(running.value(), 2);
}

CO_TEST(wait_for, cancels_what_takes_too_long) {
    auto running = create_task(sleep_long());
    CO_EXPECT_THROW(co_await wait_for(running, 1s), timeout_error);
    EXPECT_TRUE(running.is_cancelled());
    CO_EXPECT_THROW(co_await wait_for(sleep_long(), 1s), timeout_error);
}

CO_TEST(wait_for, without_time_gives_the_value_of_what_is_done_already) {
    auto done = create_task(value_after(0s, 7));
    co_await done;
    EXPECT_EQ(co_await wait_for(done, 0s), 7);
    EXPECT_EQ(co_await wait_for(done, -1s), 7);
}

CO_TEST(wait_for, without_time_does_not_start_a_coroutine) {
    bool started = false;
    auto body = [&](live_object) -> coro<> {
        started = true;
        co_return;
    };
    CO_EXPECT_THROW(co_await wait_for(body(live_object()), 0s), timeout_error);
    CO_EXPECT_THROW(co_await wait_for(body(live_object()), -1s), timeout_error);
    EXPECT_FALSE(started);
    EXPECT_EQ(live_object::alive(), 0);
}

CO_TEST(wait_for, without_time_cancels_a_running_task) {
    auto running = create_task(sleep_long());
    co_await yield();
    CO_EXPECT_THROW(co_await wait_for(running, 0s), timeout_error);
    EXPECT_TRUE(running.is_cancelled());
}

CO_TEST(wait_for, that_is_not_a_number_is_rejected) {
    skip_check(check::never_awaited);  // the body that was refused
    CO_EXPECT_THROW(co_await wait_for(ticks(1), std::chrono::duration<double>(std::nan(""))),
                    std::invalid_argument);
}

CO_TEST(wait_for, an_exception_of_the_cleanup_wins) {
    auto body = []() -> coro<> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            throw std::logic_error("cleanup failed");
        }
    };
    CO_EXPECT_THROW(co_await wait_for(body(), 1s), std::logic_error);
    CO_EXPECT_THROW(co_await wait_for(create_task(body()), 1s), std::logic_error);
}

CO_TEST(wait_for, a_value_that_comes_all_the_same_is_given) {
    auto body = []() -> coro<int> {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            co_return 42;
        }
        co_return 0;
    };
    EXPECT_EQ(co_await wait_for(body(), 1s), 42);
    EXPECT_EQ(co_await wait_for(create_task(body()), 1s), 42);
    auto running = create_task(body());
    co_await yield();
    EXPECT_EQ(co_await wait_for(running, 0s), 42);
}

CO_TEST(wait_for, waits_for_the_cleanup_of_what_it_cancels) {
    event_loop& loop = get_running_loop();
    const time_point before = loop.time();
    auto body = []() -> coro<> {
        std::exception_ptr stopped;
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            stopped = std::current_exception();
        }
        co_await mayhem::sleep(5s);
        std::rethrow_exception(stopped);
    };
    CO_EXPECT_THROW(co_await wait_for(create_task(body()), 1s), timeout_error);
    EXPECT_EQ(loop.time() - before, 6s);
}

CO_TEST(wait_for, of_a_shield_leaves_the_work_running) {
    auto work = create_task(value_after(2s, 5));
    CO_EXPECT_THROW(co_await wait_for(shield(work), 1s), timeout_error);
    EXPECT_FALSE(work.done());
    EXPECT_EQ(co_await work, 5);
}

CO_TEST(wait_for, foreign_cancel_is_a_cancellation_and_reaches_the_work) {
    auto work = create_task(sleep_long());
    auto body = [&]() -> coro<> { co_await wait_for(work, 10s); };
    auto waiter = create_task(body());
    co_await ticks(3);
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    EXPECT_TRUE(work.is_cancelled());
}

CO_TEST(wait_for, gives_a_reference_to_the_result_of_a_task_that_is_kept) {
    auto make = []() -> coro<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto kept = create_task(make());
    std::unique_ptr<int>& result = co_await wait_for(kept, 1s);
    EXPECT_EQ(*result, 3);
    const std::unique_ptr<int> moved = co_await wait_for(std::move(kept), 1s);
    EXPECT_EQ(*moved, 3);
}

CO_TEST(wait_for, takes_operations_and_futures) {
    event never;
    CO_EXPECT_THROW(co_await wait_for(never.wait(), 1s), timeout_error);
    CO_EXPECT_THROW(co_await wait_for(mayhem::sleep(2s), 1s), timeout_error);
    promise<int> source;
    get_running_loop().call_later(1s, [&] { source.set_value(4); });
    EXPECT_EQ(co_await wait_for(source.get_future(), 2s), 4);
}

CO_TEST(wait_for, takes_awaiters_that_cannot_be_moved) {
    auto job = [] { return 6; };
    using awaiter = detail::job_awaiter<decltype(job)>;
    static_assert(!std::move_constructible<awaiter>);
    EXPECT_EQ(co_await wait_for(awaiter(get_running_loop(), nullptr, job), 10s), 6);
}

CO_TEST(wait_for, of_a_gather_cancels_its_children) {
    auto child = create_task(sleep_long());
    CO_EXPECT_THROW(co_await wait_for(gather(child, ticks(1)), 1s), timeout_error);
    EXPECT_TRUE(child.is_cancelled());
}

}  // namespace
