// Signals as events. The tests send real signals to this process, on one thread, so that the
// kernel has nobody else to deliver them to.
#include "loop/signals.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <thread>

#include "loop/event_loop.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

class signals : public test::loop_suite {};

bool is_blocked(int number) {
    sigset_t current;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &current);
    return sigismember(&current, number) == 1;
}

TEST_P(signals, a_signal_becomes_a_callback_on_the_loop) {
    event_loop loop(options());
    for (const int wanted : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
        int received = 0;
        loop.add_signal_handler(wanted, [&](int number) {
            received = number;
            loop.stop();
        });
        loop.call_soon([wanted] { ::raise(wanted); });
        loop.run_forever();
        EXPECT_EQ(received, wanted);
        EXPECT_TRUE(loop.remove_signal_handler(wanted));
    }
}

TEST_P(signals, a_signal_wakes_an_idle_loop) {
    event_loop loop(options());
    loop.add_signal_handler(SIGUSR1, [&](int) { loop.stop(); });
    std::thread sender([] { ::kill(::getpid(), SIGUSR1); });
    loop.run_forever();
    sender.join();
}

TEST_P(signals, many_of_one_kind_coalesce_and_none_starves_another) {
    event_loop loop(options());
    int users = 0;
    int hangups = 0;
    loop.add_signal_handler(SIGUSR1, [&](int) { ++users; });
    loop.add_signal_handler(SIGHUP, [&](int) {
        ++hangups;
        loop.call_soon([&] { loop.stop(); });
    });
    for (int count = 0; count < 1000; ++count) ::raise(SIGUSR1);
    ::raise(SIGHUP);
    loop.run_forever();
    EXPECT_EQ(hangups, 1);
    EXPECT_GE(users, 1);
    EXPECT_LE(users, 1000);
}

TEST_P(signals, two_loops_hear_of_one_signal) {
    event_loop first(options());
    event_loop second(options());
    bool first_heard = false;
    bool second_heard = false;
    first.add_signal_handler(SIGUSR1, [&](int) {
        first_heard = true;
        first.stop();
    });
    second.add_signal_handler(SIGUSR1, [&](int) {
        second_heard = true;
        second.stop();
    });
    ::raise(SIGUSR1);
    first.run_forever();
    second.run_forever();
    EXPECT_TRUE(first_heard);
    EXPECT_TRUE(second_heard);
}

TEST_P(signals, a_handler_may_remove_itself_and_the_mask_is_restored) {
    event_loop loop(options());
    ASSERT_FALSE(is_blocked(SIGUSR2));
    loop.add_signal_handler(SIGUSR2, [&](int number) {
        loop.remove_signal_handler(number);
        loop.stop();
    });
    EXPECT_TRUE(is_blocked(SIGUSR2));
    ::raise(SIGUSR2);
    loop.run_forever();
    EXPECT_FALSE(is_blocked(SIGUSR2));
    EXPECT_FALSE(loop.remove_signal_handler(SIGUSR2));
}

TEST_P(signals, a_handler_may_be_replaced) {
    event_loop loop(options());
    int which = 0;
    loop.add_signal_handler(SIGUSR1, [&](int) { which = 1; });
    loop.add_signal_handler(SIGUSR1, [&](int) {
        which = 2;
        loop.stop();
    });
    ::raise(SIGUSR1);
    loop.run_forever();
    EXPECT_EQ(which, 2);
}

TEST_P(signals, a_signal_pending_at_close_calls_nobody_and_kills_nobody) {
    bool called = false;
    {
        event_loop loop(options());
        loop.add_signal_handler(SIGTERM, [&](int) { called = true; });
        ::raise(SIGTERM);
    }
    EXPECT_FALSE(called);
    EXPECT_FALSE(is_blocked(SIGTERM));
}

TEST_P(signals, signals_that_cannot_be_caught_are_refused) {
    event_loop loop(options());
    EXPECT_THROW(loop.add_signal_handler(SIGKILL, [](int) {}), loop_error);
    EXPECT_THROW(loop.add_signal_handler(SIGSTOP, [](int) {}), loop_error);
    EXPECT_THROW(loop.add_signal_handler(0, [](int) {}), loop_error);
    EXPECT_THROW(loop.add_signal_handler(1000, [](int) {}), loop_error);
}

TEST_P(signals, a_thread_that_does_not_block_the_signal_is_refused_with_the_remedy) {
    event_loop loop(options());
    std::atomic<bool> runs{false};
    std::atomic<bool> done{false};
    std::thread older([&] {
        runs = true;  // until here a new thread blocks every signal
        while (!done) std::this_thread::yield();
    });
    while (!runs) std::this_thread::yield();
    std::string refusal;
    try {
        loop.add_signal_handler(SIGTERM, [](int) {});
    } catch (const loop_error& error) {
        refusal = error.what();
    }
    done = true;
    older.join();
    EXPECT_NE(refusal.find("before starting threads"), std::string::npos) << refusal;
}

TEST_P(signals, a_handler_that_throws_goes_to_the_exception_handler) {
    event_loop loop(options());
    std::string told;
    loop.set_exception_handler([&](event_loop&, const exception_context& context) {
        told = context.message;
        loop.stop();
    });
    loop.add_signal_handler(SIGUSR1, [](int) { throw std::runtime_error("broken"); });
    ::raise(SIGUSR1);
    loop.run_forever();
    EXPECT_NE(told.find("SIGUSR1"), std::string::npos);
}

ON_EVERY_BACKEND(signals);

}  // namespace
