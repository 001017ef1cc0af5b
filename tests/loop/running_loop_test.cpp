// Forks: what a child may do with loops, and that it does the parent's no harm.
#include "loop/running_loop.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <memory>

#include "loop/error.hpp"
#include "loop/log.hpp"
#include "tests/support/loop_backends.hpp"
#include "tests/support/refuse_system_call.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

class forked_process : public test::loop_suite {};

template <typename Function>
bool is_refused(Function function) {
    try {
        function();
    } catch (const loop_error&) {
        return true;
    }
    return false;
}

TEST_P(forked_process, the_child_has_no_running_loop_and_may_make_its_own) {
    event_loop loop(options());
    int status = -1;
    loop.call_soon([&] {
        status = test::in_child([] {
            if (running_loop_or_null() != nullptr) return 1;
            if (!is_refused([] { (void)get_running_loop(); })) return 2;
            event_loop own(options());
            bool ran = false;
            own.call_later(1ms, [&] {
                ran = true;
                own.stop();
            });
            own.run_forever();
            return ran ? 0 : 3;
        });
        EXPECT_EQ(running_loop_or_null(), &loop);
        loop.stop();
    });
    loop.run_forever();
    EXPECT_EQ(status, 0);
}

TEST_P(forked_process, the_parents_loop_refuses_the_child_and_goes_on_in_the_parent) {
    event_loop loop(options());
    int status = -1;
    int ran = 0;
    loop.call_later(1h, [&] { ++ran; });
    loop.call_soon([&] {
        status = test::in_child([&] {
            if (!is_refused([&] { loop.call_soon([] {}); })) return 1;
            if (!is_refused([&] { loop.call_later(1s, [] {}); })) return 2;
            if (!is_refused([&] { loop.call_soon_threadsafe([] {}); })) return 3;
            if (!is_refused([&] { loop.run_forever(); })) return 4;
            if (!is_refused([&] { loop.add_signal_handler(SIGUSR1, [](int) {}); })) return 5;
            return 0;
        });
        loop.call_later(1ms, [&] {
            ++ran;
            loop.stop();
        });
    });
    loop.run_forever();
    EXPECT_EQ(status, 0);
    EXPECT_EQ(ran, 1);
}

TEST_P(forked_process, handles_of_the_parents_loop_die_in_the_child_without_a_word) {
    loop_options debugged = options();
    debugged.debug = true;
    debugged.stall_watchdog = 0s;
    event_loop loop(debugged);
    int status = -1;
    auto alarm = std::make_unique<handle>(loop.call_later(1h, [] {}));
    loop.call_soon([&] {
        status = test::in_child([&] {
            int logged = 0;
            set_log_sink([&logged](const log_record&) { ++logged; });
            if (is_refused([&] { const handle copy = *alarm; })) return 1;
            alarm.reset();
            return logged == 0 ? 0 : 2;
        });
        loop.stop();
    });
    loop.run_forever();
    EXPECT_EQ(status, 0);
}

// A child that returns from main, say, destroys what it has copies of.
TEST_P(forked_process, a_loop_that_the_child_destroys_lives_on_in_the_parent) {
    auto loop = std::make_unique<event_loop>(options());
    int ran = 0;
    loop->call_soon([&] { ++ran; });
    loop->call_later(1ms, [&] {
        ++ran;
        loop->stop();
    });
    const int status = test::in_child([&] {
        loop.reset();
        return ran;
    });
    EXPECT_EQ(status, 0);
    loop->run_forever();
    EXPECT_EQ(ran, 2);
}

ON_EVERY_BACKEND(forked_process);

}  // namespace
