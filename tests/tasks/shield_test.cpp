// shield: the work is out of reach of those who wait for it, and of the shutdown.
#include "tasks/shield.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

coro<int> await_shielded(task<int> inner) { co_return co_await shield(inner); }

CO_TEST(shield, gives_the_result_of_the_work) {
    auto work = create_task(value_after(1s, 1));
    EXPECT_EQ(co_await shield(work), 1);
    EXPECT_EQ(co_await shield(work), 1);
    EXPECT_EQ(co_await shield(value_after(1s, 2)), 2);
    co_await shield(ticks(1));
}

CO_TEST(shield, gives_the_exception_of_the_work) {
    CO_EXPECT_THROW(co_await shield(fail_after(1s, "no")), std::runtime_error);
}

CO_TEST(shield, lets_the_work_run_on_when_the_awaiter_is_cancelled) {
    auto work = create_task(value_after(2s, 1));
    auto waiter = create_task(await_shielded(work));
    co_await ticks(2);
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    EXPECT_FALSE(work.done());
    EXPECT_EQ(work.cancelling(), 0);
    EXPECT_EQ(co_await work, 1);
}

CO_TEST(shield, cancels_the_awaiter_when_the_work_is_cancelled) {
    auto work = create_task(value_after(2s, 1));
    auto waiter = create_task(await_shielded(work));
    co_await ticks(2);
    work.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    EXPECT_TRUE(work.is_cancelled());
}

CO_TEST(shield, gives_the_result_and_then_the_cancellation_when_both_come_in_one_tick) {
    auto work = create_task(value_after(1s, 1));
    int received = 0;
    auto body = [&]() -> coro<> {
        received = co_await shield(work);
        co_await yield();
        ADD_FAILURE() << "the request to stop was dropped";
    };
    auto waiter = create_task(body());
    co_await ticks(2);
    while (!work.done()) co_await mayhem::sleep(1s);
    co_await yield();  // the shield is done, the waiter has not run
    waiter.cancel();
    CO_EXPECT_THROW(co_await waiter, cancelled);
    EXPECT_EQ(received, 1);
}

CO_TEST(shield, continues_the_awaiter_two_ticks_after_the_work) {
    int tick = 0;
    int ended = 0;
    int continued = 0;
    auto child = [&]() -> coro<> {
        co_await yield();
        ended = tick;
    };
    auto parent = [&]() -> coro<> {
        co_await shield(child());
        continued = tick;
    };
    auto waiting = create_task(parent());
    for (; tick < 8; ++tick) co_await yield();
    EXPECT_TRUE(waiting.done());
    EXPECT_EQ(continued - ended, 2);
}

CO_TEST(shield, calls_back_when_the_wait_is_over_not_the_work) {
    int calls = 0;
    auto work = create_task(value_after(2s, 1));
    auto outer = shield(work);
    outer.add_done_callback([&] { ++calls; });
    outer.cancel();
    co_await ticks(2);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(work.done());
    EXPECT_EQ(co_await work, 1);
}

CO_TEST(shield, of_a_failure_that_nobody_sees_is_reported) {
    int reports = 0;
    get_running_loop().set_exception_handler(
        [&](event_loop&, const exception_context&) { ++reports; });
    {
        auto waiter = create_task(await_shielded(create_task(fail_after(1s, "lost"))));
        co_await ticks(3);
        waiter.cancel();
        CO_EXPECT_THROW(co_await waiter, cancelled);
    }
    co_await mayhem::sleep(2s);
    EXPECT_EQ(reports, 1);
}

TEST(shield, the_work_survives_the_shutdown_until_it_is_done) {
    for_each_backend([](backend_kind kind) {
        std::optional<bool> saved;
        auto save = [&]() -> coro<> {
            saved = false;
            co_await mayhem::sleep(5s);
            saved = true;
        };
        auto worker = [&]() -> coro<> { co_await shield(save()); };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await ticks(3);
        };
        run(body(), test_options(kind));
        EXPECT_EQ(saved, true);
    });
}

TEST(shield, the_work_is_cancelled_when_the_drain_deadline_passes) {
    for_each_backend([](backend_kind kind) {
        std::optional<duration> stopped_after;
        auto save = [&]() -> coro<> {
            event_loop& loop = get_running_loop();
            const time_point start = loop.time();
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                stopped_after = loop.time() - start;
                throw;
            }
        };
        auto worker = [&]() -> coro<> { co_await shield(save()); };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await ticks(3);
        };
        auto options = test_options(kind);
        options.drain = 3s;
        run(body(), options);
        EXPECT_EQ(stopped_after, 3s);
    });
}

TEST(shield, what_the_work_waits_for_survives_the_shutdown_with_it) {
    for_each_backend([](backend_kind kind) {
        int saved = 0;
        auto save_part = [&]() -> coro<> {
            co_await mayhem::sleep(1s);
            ++saved;
        };
        auto save = [&]() -> coro<> {
            co_await mayhem::sleep(1s);
            co_await gather(save_part(), save_part());
            auto body = [&](task_group& group) -> coro<> {
                group.create_task(save_part());
                co_await save_part();
            };
            co_await with_task_group(body);
            auto last = create_task(save_part());
            co_await last;
        };
        auto worker = [&]() -> coro<> { co_await shield(save()); };
        auto started_before = [&]() -> coro<> {
            auto parts = gather(save_part(), save_part());
            co_await shield(std::move(parts));
        };
        auto body = [&]() -> coro<> {
            create_task(worker());
            create_task(started_before());
            co_await ticks(3);
        };
        run(body(), test_options(kind));
        EXPECT_EQ(saved, 7);
    });
}

TEST(shield, tasks_that_the_work_starts_during_the_shutdown_survive_it) {
    for_each_backend([](backend_kind kind) {
        int saved = 0;
        auto save_part = [&]() -> coro<> {
            co_await mayhem::sleep(2s);
            ++saved;
        };
        auto save = [&]() -> coro<> {
            co_await mayhem::sleep(1s);
            auto part = create_task(save_part());
            co_await mayhem::sleep(1s);  // not awaited yet when the shutdown looks around again
            co_await part;
        };
        auto takes_its_time = []() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                // the shutdown has to wait, and then looks for new tasks
            }
            co_await mayhem::sleep(1500ms);
        };
        auto worker = [&]() -> coro<> { co_await shield(save()); };
        auto body = [&]() -> coro<> {
            create_task(worker());
            create_task(takes_its_time());
            co_await ticks(3);
        };
        run(body(), test_options(kind));
        EXPECT_EQ(saved, 1);
    });
}

}  // namespace
