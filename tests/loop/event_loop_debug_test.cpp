// Slow steps and slow polls, measured with a clock of the test's own, and the refusal of other
// threads. Each test runs on every backend.
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "loop/event_loop.hpp"
#include "loop/log.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

class event_loop_debug : public test::loop_suite {
  protected:
    static loop_options unwatched() {
        loop_options made = with_virtual_clock();
        made.stall_watchdog = 0s;
        return made;
    }

    std::vector<std::string> lines_with(std::string_view text) const {
        std::vector<std::string> lines = log.lines();
        std::erase_if(lines, [&](const auto& line) { return line.find(text) == line.npos; });
        return lines;
    }

    void run_one_tick() {
        loop.stop();
        loop.run_forever();
    }

    log_capture log;
    event_loop loop{unwatched()};
    time_point now{1h};
};

TEST_P(event_loop_debug, a_slow_step_is_named_with_its_duration_and_once) {
    loop.set_step_clock([this] { return now; });
    loop.set_debug(true);
    const unsigned here = __LINE__ + 1;
    loop.call_soon([this] { now += 1310ms; });
    loop.call_soon([this] { now += 99ms; });
    run_one_tick();
    const auto lines = lines_with("Executing");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].starts_with("WARNING: Executing <Handle created at ")) << lines[0];
    EXPECT_TRUE(lines[0].ends_with("event_loop_debug_test.cpp:" + std::to_string(here) +
                                   "> took 1.310 seconds"))
        << lines[0];
}

TEST_P(event_loop_debug, a_step_that_takes_exactly_the_threshold_is_slow) {
    loop.set_step_clock([this] { return now; });
    loop.set_debug(true);
    loop.set_slow_callback_duration(20ms);
    loop.call_soon([this] { now += 20ms; });
    loop.call_soon([this] { now += 20ms - 1ns; });
    run_one_tick();
    EXPECT_EQ(log.count("Executing"), 1U);
}

TEST_P(event_loop_debug, long_thresholds_are_watched_by_the_cheap_clock_and_short_ones_are_not) {
    loop.set_slow_callback_duration(1h);
    time_point before;
    time_point read;
    do {  // until the kernel's tick was not in between
        before = mayhem::detail::coarse_now();
        read = loop.step_time();
    } while (mayhem::detail::coarse_now() != before);
    EXPECT_EQ(read, before);
    loop.log_slow_callbacks(1ms);
    before = mayhem::clock::now();
    read = loop.step_time();
    EXPECT_LE(before, read);
    EXPECT_LE(read, mayhem::clock::now());
}

TEST_P(event_loop_debug, slow_steps_alone_can_be_logged_without_debug_mode) {
    loop.set_step_clock([this] { return now; });
    loop.log_slow_callbacks(50ms);
    EXPECT_FALSE(loop.debug());
    loop.call_soon([this] { now += 60ms; });
    run_one_tick();
    EXPECT_EQ(log.count("Executing"), 1U);
    EXPECT_EQ(log.count("poll took"), 0U);
}

TEST_P(event_loop_debug, nothing_is_measured_without_being_asked_for) {
    loop.set_debug(false);
    bool was_asked = false;
    loop.set_step_clock([&] {
        was_asked = true;
        return now;
    });
    loop.call_soon([] {});
    run_one_tick();
    EXPECT_FALSE(was_asked);
}

/// Makes the loop block in one poll, which takes `took` on the step clock. The event that ends it
/// is sent by the clock itself, which is asked at the beginning of the poll: so no thread races.
class one_poll final : public operation {
  public:
    explicit one_poll(event_loop& loop) : loop_(loop) {
        prepare_poll(event_, POLLIN);
        loop.submit(*this);
    }
    ~one_poll() { ::close(event_); }

    void run_for(duration took) {
        loop_.begin_external_work();  // the virtual clock waits for it in real time
        loop_.set_step_clock([this, took, now = time_point(1h)]() mutable {
            if (has_begun_) return now += took;
            has_begun_ = true;
            EXPECT_EQ(::eventfd_write(event_, 1), 0);
            return now;
        });
        loop_.run_forever();
        loop_.set_step_clock({});
        loop_.end_external_work();
    }
    void run() noexcept override { loop_.stop(); }

  private:
    event_loop& loop_;
    int event_ = ::eventfd(0, EFD_CLOEXEC);
    bool has_begun_ = false;
};

TEST_P(event_loop_debug, a_poll_tells_how_long_it_was_to_take_and_took) {
    loop.set_debug(true);
    handle limit = loop.call_later(219978us, [] {});
    one_poll(loop).run_for(36610us);
    const auto lines = lines_with("poll ");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], "DEBUG: poll 219.978 ms took 36.610 ms: 1 events");
    limit.cancel();
}

TEST_P(event_loop_debug, a_poll_of_a_second_is_told_at_a_higher_level) {
    loop.set_debug(true);
    one_poll(loop).run_for(1500ms);
    const auto lines = lines_with("poll ");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], "INFO: poll took 1500.000 ms: 1 events");
}

TEST_P(event_loop_debug, the_loop_tells_its_backend) {
    const auto lines = lines_with("Using selector: ");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0], "DEBUG: Using selector: " + std::string(loop.backend_name()));
}

TEST_P(event_loop_debug, a_foreign_thread_is_refused_only_in_debug_mode_and_while_the_loop_runs) {
    int refused = 0;
    const auto call_from_elsewhere = [&] {
        std::thread([&] {
            try {
                loop.call_soon([] {});
            } catch (const loop_error&) {
                ++refused;
            }
        }).join();
    };
    loop.set_debug(true);
    call_from_elsewhere();
    EXPECT_EQ(refused, 0);
    loop.call_soon(call_from_elsewhere);
    run_one_tick();
    EXPECT_EQ(refused, 1);
    loop.set_debug(false);
    loop.call_soon(call_from_elsewhere);
    run_one_tick();
    EXPECT_EQ(refused, 1);
}

ON_EVERY_BACKEND(event_loop_debug);

}  // namespace
