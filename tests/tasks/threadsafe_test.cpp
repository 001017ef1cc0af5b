// run_coroutine_threadsafe: values, exceptions and cancellation between a loop and other threads.
#include "tasks/threadsafe.hpp"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/refuse_system_call.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

CO_TEST(threadsafe, brings_values_and_exceptions_to_the_other_thread) {
    event_loop& loop = get_running_loop();
    auto ask = [&]() -> int {
        EXPECT_THROW(run_coroutine_threadsafe(fail_after(0s, "no"), loop).get(),
                     std::runtime_error);
        run_coroutine_threadsafe(ticks(2), loop).get();
        return run_coroutine_threadsafe(value_after(0s, 7), loop).get();
    };
    EXPECT_EQ(co_await in_thread(ask), 7);
}

CO_TEST(threadsafe, runs_the_coroutine_on_the_thread_of_the_loop) {
    event_loop& loop = get_running_loop();
    auto where = []() -> coro<std::thread::id> { co_return std::this_thread::get_id(); };
    auto ask = [&] { return run_coroutine_threadsafe(where(), loop).get(); };
    EXPECT_EQ(co_await in_thread(ask), std::this_thread::get_id());
}

CO_TEST(threadsafe, cancel_from_the_other_thread_reaches_the_coroutine) {
    event_loop& loop = get_running_loop();
    event started;
    bool was_cancelled = false;
    auto body = [&]() -> coro<> {
        started.set();
        try {
            co_await event().wait();
        } catch (const cancelled&) {
            was_cancelled = true;
            throw;
        }
    };
    auto ask = [&] {
        auto future = run_coroutine_threadsafe(body(), loop);
        run_coroutine_threadsafe(mayhem::detail::as_coro(started.wait()), loop).get();
        future.cancel();
        EXPECT_THROW(future.get(), cancelled);
        EXPECT_TRUE(future.done());
    };
    co_await in_thread(ask);
    EXPECT_TRUE(was_cancelled);
}

CO_TEST(threadsafe, cancellation_in_the_loop_reaches_the_other_thread) {
    event_loop& loop = get_running_loop();
    auto body = []() -> coro<> {
        current_task().cancel();
        co_await yield();
    };
    auto ask = [&] { EXPECT_THROW(run_coroutine_threadsafe(body(), loop).get(), cancelled); };
    co_await in_thread(ask);
}

CO_TEST(threadsafe, get_with_a_timeout_leaves_the_coroutine_running) {
    event_loop& loop = get_running_loop();
    event go;
    auto ask = [&] {
        auto future = run_coroutine_threadsafe(mayhem::detail::as_coro(go.wait()), loop);
        EXPECT_THROW(future.get(1ns), timeout_error);
        loop.call_soon_threadsafe([&] { go.set(); });
        future.get();
    };
    co_await in_thread(ask);
}

CO_TEST(threadsafe, get_on_the_thread_of_the_loop_is_an_error_at_once) {
    event_loop& loop = get_running_loop();
    std::optional<concurrent_future<int>> future;
    auto ask = [&] { future = run_coroutine_threadsafe(value_after(0s, 1), loop); };
    co_await in_thread(ask);
    // Without the refusal it would wait: not for ever, so that the test fails instead of hanging.
    CO_EXPECT_THROW(future->get(0ns), loop_error);
    co_await ticks(3);
}

CO_TEST(threadsafe, a_future_dropped_on_another_thread_destroys_the_frame_on_the_loop) {
    event_loop& loop = get_running_loop();
    std::thread::id destroyed_on;
    class witness {
      public:
        explicit witness(std::thread::id& where) : where_(&where) {}
        witness(witness&& other) noexcept : where_(std::exchange(other.where_, nullptr)) {}
        ~witness() {
            if (where_ != nullptr) *where_ = std::this_thread::get_id();
        }

      private:
        std::thread::id* where_;
    };
    auto body = [](witness) -> coro<> { co_await ticks(5); };
    auto ask = [&] { run_coroutine_threadsafe(body(witness(destroyed_on)), loop); };
    co_await in_thread(ask);
    co_await ticks(10);
    EXPECT_EQ(destroyed_on, std::this_thread::get_id());
}

TEST(threadsafe, a_submission_after_close_is_refused_and_its_coroutine_destroyed) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        loop.close();
        auto body = [](live_object) -> coro<> { co_return; };
        EXPECT_THROW(run_coroutine_threadsafe(body(live_object()), loop), loop_closed);
        EXPECT_EQ(live_object::alive(), 0);
    });
}

TEST(threadsafe, a_forked_child_is_refused_and_its_coroutine_destroyed) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        const int status = test::in_child([&] {
            auto body = [](live_object) -> coro<> { co_return; };
            try {
                run_coroutine_threadsafe(body(live_object()), loop);
            } catch (const loop_closed&) {
                return 1;
            } catch (const loop_error&) {
                return live_object::alive() == 0 ? 0 : 2;
            }
            return 3;
        });
        EXPECT_EQ(status, 0);
    });
}

TEST(threadsafe, a_thread_that_waits_when_the_loop_closes_is_told) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
        auto future = run_coroutine_threadsafe(sleep_long(), loop);
        std::thread waiter([&] { EXPECT_ANY_THROW(future.get()); });
        loop.stop();
        loop.run_forever();
        loop.close();
        waiter.join();
    });
}

TEST(threadsafe, a_submission_that_the_loop_never_saw_is_told) {
    for_each_backend([](backend_kind kind) {
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        auto body = [](live_object) -> coro<> { co_return; };
        auto future = run_coroutine_threadsafe(body(live_object()), loop);
        loop.close();
        EXPECT_THROW(future.get(), loop_closed);
        EXPECT_EQ(live_object::alive(), 0);
    });
}

CO_TEST(threadsafe, many_threads_submit_many_coroutines) {
    event_loop& loop = get_running_loop();
    int sum = 0;  // touched on the loop's thread only
    auto add = [&]() -> coro<> {
        co_await yield();
        ++sum;
    };
    auto ask = [&] {
        std::vector<concurrent_future<void>> futures;
        for (int i = 0; i < 100; ++i) futures.push_back(run_coroutine_threadsafe(add(), loop));
        for (auto& future : futures) future.get();
    };
    auto submit = [&]() -> coro<> { co_await in_thread(ask); };
    co_await gather(submit(), submit(), submit(), submit());
    EXPECT_EQ(sum, 400);
}

}  // namespace
