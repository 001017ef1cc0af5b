// The loop itself: order, stopping, closing, errors, threads. Each test runs on every backend.
#include "loop/event_loop.hpp"

#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <malloc.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "loop/fd.hpp"
#include "loop/log.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

// A loop keeps a copy and calls that, by its name: what can be called only once, or cannot be
// copied from, is refused where it is given.
struct called_as_temporary {
    void operator()() && {}
};
struct called_by_name {
    void operator()() & {}
};
static_assert(!loop_function<called_as_temporary>);
static_assert(loop_function<called_by_name>);
static_assert(loop_function<void (&)()>);
static_assert(!loop_function<const std::unique_ptr<called_by_name>&>);

class event_loop_test : public test::loop_suite {
  protected:
    void run_ticks(int count) {
        for (int tick = 0; tick < count; ++tick) {
            loop.stop();
            loop.run_forever();
        }
    }

    event_loop loop{with_virtual_clock()};
};

TEST_P(event_loop_test, callbacks_run_in_order_and_new_ones_on_the_next_tick) {
    std::vector<int> order;
    loop.call_soon([&] {
        order.push_back(1);
        loop.call_soon([&] { order.push_back(3); });
    });
    loop.call_soon([&] { order.push_back(2); });
    run_ticks(1);
    EXPECT_EQ(order, (std::vector{1, 2}));
    run_ticks(1);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_P(event_loop_test, a_callback_may_be_aligned_for_more_than_usual) {
    struct alignas(128) wide {
        char bytes[128] = {};
    };
    std::uintptr_t address = 1;
    loop.call_soon(
        [value = wide(), &address] { address = reinterpret_cast<std::uintptr_t>(&value); });
    run_ticks(1);
    EXPECT_EQ(address % alignof(wide), 0U);
}

TEST_P(event_loop_test, stop_in_the_middle_of_a_batch_finishes_the_batch) {
    std::vector<int> order;
    loop.call_soon([&] {
        loop.stop();
        loop.call_soon([&] { order.push_back(9); });
    });
    loop.call_soon([&] { order.push_back(1); });
    loop.run_forever();
    EXPECT_EQ(order, std::vector{1});
    run_ticks(1);
    EXPECT_EQ(order, (std::vector{1, 9}));
}

TEST_P(event_loop_test, a_cancelled_callback_does_not_run_even_in_the_same_batch) {
    bool ran = false;
    handle victim;
    loop.call_soon([&] { victim.cancel(); });
    victim = loop.call_soon([&] { ran = true; });
    run_ticks(2);
    EXPECT_FALSE(ran);
    EXPECT_TRUE(victim.cancelled());
}

TEST_P(event_loop_test, due_timers_that_cancel_each_other_run_only_one) {
    int ran = 0;
    handle first;
    handle second;
    first = loop.call_later(1s, [&] {
        ++ran;
        second.cancel();
    });
    second = loop.call_later(1s, [&] {
        ++ran;
        first.cancel();
    });
    loop.call_later(2s, [&] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(ran, 1);
}

TEST_P(event_loop_test, timers_run_in_deadline_order_and_ties_in_scheduling_order) {
    std::vector<int> order;
    loop.call_later(20ms, [&] { order.push_back(3); });
    loop.call_later(10ms, [&] { order.push_back(1); });
    loop.call_later(10ms, [&] { order.push_back(2); });
    loop.call_later(30ms, [&] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_P(event_loop_test, a_delay_that_is_not_a_number_is_refused) {
    EXPECT_THROW(loop.call_later(std::chrono::duration<double>(std::nan("")), [] {}),
                 std::invalid_argument);
}

TEST_P(event_loop_test, a_callback_that_throws_goes_to_the_handler_and_the_rest_runs) {
    std::vector<std::string> told;
    bool rest_ran = false;
    loop.set_exception_handler(
        [&](event_loop&, const exception_context& context) { told.push_back(context.message); });
    loop.call_soon([] { throw std::runtime_error("broken"); });
    loop.call_soon([&] { rest_ran = true; });
    run_ticks(1);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].find("Exception in callback"), std::string::npos);
    EXPECT_TRUE(rest_ran);
}

TEST_P(event_loop_test, an_exception_handler_that_throws_is_logged_and_the_loop_goes_on) {
    bool rest_ran = false;
    std::vector<std::string> logged;
    auto previous =
        set_log_sink([&](const log_record& record) { logged.emplace_back(record.message); });
    loop.set_exception_handler(
        [](event_loop&, const exception_context&) { throw std::runtime_error("worse"); });
    loop.call_soon([] { throw std::runtime_error("broken"); });
    loop.call_soon([&] { rest_ran = true; });
    run_ticks(1);
    set_log_sink(std::move(previous));
    EXPECT_TRUE(rest_ran);
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_NE(logged[0].find("worse"), std::string::npos);
}

TEST_P(event_loop_test, a_closed_loop_refuses_and_closing_twice_is_fine) {
    loop.close();
    loop.close();
    EXPECT_THROW(loop.call_soon([] {}), loop_closed);
    EXPECT_THROW(loop.call_later(1s, [] {}), loop_closed);
    EXPECT_THROW(loop.call_soon_threadsafe([] {}), loop_closed);
    EXPECT_THROW(loop.run_forever(), loop_closed);
}

TEST_P(event_loop_test, a_call_after_close_writes_to_no_descriptor_that_was_recycled) {
    const std::shared_ptr<inbox> remote = loop.remote();
    const int number = remote->wake_descriptor();
    loop.call_soon_threadsafe([] {});
    loop.close();
    std::vector<unique_fd> recycled;
    for (int count = 0; count < 10; ++count) recycled.emplace_back(::eventfd(0, EFD_NONBLOCK));
    EXPECT_THROW(loop.call_soon_threadsafe([] {}), loop_closed);
    class letter final : public runnable {
        void run() noexcept override {}
    } late;
    EXPECT_FALSE(remote->post(late));
    for (const unique_fd& fd : recycled) {
        std::uint64_t wakes = 0;
        EXPECT_EQ(::read(fd.get(), &wakes, sizeof wakes), -1) << fd.get() << " was " << number;
    }
}

TEST_P(event_loop_test, closing_or_running_a_running_loop_is_an_error) {
    int errors = 0;
    loop.call_soon([&] {
        try {
            loop.close();
        } catch (const loop_error&) {
            ++errors;
        }
        try {
            loop.run_forever();
        } catch (const loop_error&) {
            ++errors;
        }
        try {
            event_loop(with_virtual_clock()).run_forever();
        } catch (const loop_error&) {
            ++errors;
        }
    });
    run_ticks(1);
    EXPECT_EQ(errors, 3);
}

TEST_P(event_loop_test, callbacks_left_at_close_are_destroyed_unrun) {
    auto counted = std::make_shared<int>(0);
    loop.call_soon([counted] { ++*counted; });
    loop.call_later(1h, [counted] { ++*counted; });
    ASSERT_TRUE(loop.remote() != nullptr);
    loop.call_soon_threadsafe([counted] { ++*counted; });
    loop.close();
    EXPECT_EQ(*counted, 0);
    EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(event_loop_test, a_call_from_another_thread_wakes_a_sleeping_loop) {
    std::thread::id ran_on;
    std::thread other([&] {
        loop.call_soon_threadsafe([&] {
            ran_on = std::this_thread::get_id();
            loop.stop();
        });
    });
    loop.run_forever();
    other.join();
    EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_P(event_loop_test, many_threads_may_call_at_once) {
    constexpr int producers = 4;
    constexpr int each = 2'000;
    int received = 0;
    std::vector<std::thread> threads;
    for (int producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&] {
            for (int index = 0; index < each; ++index) {
                loop.call_soon_threadsafe([&] {
                    if (++received == producers * each) loop.stop();
                });
            }
        });
    }
    loop.run_forever();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(received, producers * each);
}

TEST_P(event_loop_test, debug_mode_refuses_a_foreign_thread_and_names_both) {
    loop.set_debug(true);
    std::string refusal;
    loop.call_soon([&] {
        std::thread([&] {
            try {
                loop.call_soon([] {});
            } catch (const loop_error& error) {
                refusal = error.what();
            }
        }).join();
    });
    set_log_level(log_level::warning);
    run_ticks(1);
    set_log_level(log_level::info);
    EXPECT_NE(refusal.find("Non-thread-safe operation"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("call_soon"), std::string::npos) << refusal;
}

TEST_P(event_loop_test, slow_callbacks_are_named_with_file_and_line) {
    std::vector<std::string> logged;
    auto previous =
        set_log_sink([&](const log_record& record) { logged.emplace_back(record.message); });
    loop.log_slow_callbacks(0ns);  // every step counts as slow
    loop.call_soon([] {});
    run_ticks(1);
    set_log_sink(std::move(previous));
    ASSERT_FALSE(logged.empty());
    EXPECT_NE(logged[0].find("Executing <Handle created at"), std::string::npos) << logged[0];
    EXPECT_NE(logged[0].find("event_loop_test.cpp"), std::string::npos) << logged[0];
}

TEST_P(event_loop_test, a_flood_of_callbacks_does_not_starve_timers) {
    REAL_KERNEL_ONLY("its clock goes on while anything runs");
    bool fired = false;
    event_loop busy(options());
    std::function<void()> again = [&] {
        if (!fired) busy.call_soon([&] { again(); });
    };
    busy.call_soon([&] { again(); });
    busy.call_later(1ms, [&] {
        fired = true;
        busy.stop();
    });
    busy.run_forever();
    EXPECT_TRUE(fired);
}

TEST_P(event_loop_test, the_virtual_clock_does_not_jump_while_a_signal_waits) {
    const time_point start = loop.time();
    time_point handled{};
    loop.add_signal_handler(SIGUSR1, [&](int) { handled = loop.time(); });
    loop.call_later(1s, [] { ::raise(SIGUSR1); });
    loop.call_later(10s, [&] { loop.stop(); });
    loop.run_forever();
    EXPECT_EQ(handled - start, 1s);
}

TEST_P(event_loop_test, who_drives_it_from_outside_is_shown_the_new_loop) {
    event_loop* shown = nullptr;
    loop_options watched = with_virtual_clock();
    watched.on_created = [&](event_loop& made) {
        shown = &made;
        made.call_later(1h, [&made] { made.stop(); });
    };
    event_loop made(watched);
    EXPECT_EQ(shown, &made);
    made.run_forever();
}

TEST_P(event_loop_test, real_timers_are_never_early) {
    event_loop timed(options());
    const time_point wanted = timed.time() + 2ms;
    time_point fired_at{};
    timed.call_at(wanted, [&] {
        fired_at = timed.time();
        timed.stop();
    });
    timed.run_forever();
    EXPECT_GE(fired_at, wanted);
}

TEST_P(event_loop_test, a_timer_of_two_to_the_55_seconds_neither_fires_nor_overflows) {
    bool fired = false;
    handle far =
        loop.call_later(std::chrono::duration<double>(std::ldexp(1.0, 55)), [&] { fired = true; });
    handle endless =
        loop.call_later(std::chrono::duration<double>(std::numeric_limits<double>::infinity()),
                        [&] { fired = true; });
    loop.call_later(24h * 365 * 200, [&] { loop.stop(); });
    loop.run_forever();
    EXPECT_FALSE(fired);
    far.cancel();
    endless.cancel();
    run_ticks(1);
    EXPECT_FALSE(fired);
}

TEST_P(event_loop_test, a_million_cancelled_timers_give_their_memory_back) {
    const auto cancel_many = [&] {
        for (int count = 0; count < 1'000'000; ++count) {
            loop.call_later(std::chrono::seconds(count % 977), [] {}).cancel();
        }
    };
    cancel_many();  // fills the free lists
    const std::size_t bytes = ::mallinfo2().uordblks;
    cancel_many();
    EXPECT_LT(::mallinfo2().uordblks, bytes + 100'000);
}

// Each callback comes through the inbox, and posts the next while the others are drained.
TEST_P(event_loop_test, a_call_made_while_the_inbox_is_drained_is_not_lost) {
    int ran = 0;
    std::function<void()> again = [&] {
        if (++ran == 1000) return loop.stop();
        loop.call_soon_threadsafe([&] { again(); });
    };
    loop.call_soon_threadsafe([&] { again(); });
    loop.run_forever();
    EXPECT_EQ(ran, 1000);
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

TEST_P(event_loop_test, a_thousand_loops_leave_no_descriptor_behind) {
    const std::size_t before = open_descriptors();
    for (int count = 0; count < 1000; ++count) {
        event_loop fresh(with_virtual_clock());
        fresh.call_soon([] {});
        fresh.stop();
        fresh.run_forever();
    }
    EXPECT_EQ(open_descriptors(), before);
}

ON_EVERY_BACKEND(event_loop_test);

}  // namespace
