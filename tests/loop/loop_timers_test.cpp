// How the loop waits for its timers: how often it turns until one is due, and what interrupts it.
#include <atomic>
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <pthread.h>
#include <thread>
#include <utility>

#include "loop/event_loop.hpp"
#include "loop/loop_probe.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

class loop_timers : public test::loop_suite {};

/// Stands before a loop's backend as long as it exists, and counts how often it is polled: every
/// tick does that once, whether or not it blocks.
class counted_polls final {
  public:
    explicit counted_polls(event_loop& loop) : probe_(loop) {
        auto counter = std::make_unique<counting_backend>(count_);
        counting_backend& put = *counter;
        put.real = probe_.exchange_backend(std::move(counter));
        put_ = &put;
    }
    counted_polls(const counted_polls&) = delete;
    counted_polls& operator=(const counted_polls&) = delete;
    ~counted_polls() { const auto ours = probe_.exchange_backend(std::move(put_->real)); }

    [[nodiscard]] int count() const noexcept { return count_; }
    [[nodiscard]] int sleeps() const noexcept { return put_->sleeps; }

  private:
    struct counting_backend final : backend {
        explicit counting_backend(int& polls) noexcept : count(polls) {}
        std::string_view name() const noexcept override { return real->name(); }
        bool completes_files_asynchronously() const noexcept override { return false; }
        void submit(operation& op) noexcept override { real->submit(op); }
        void cancel(operation& op) noexcept override { real->cancel(op); }
        void cancel_all() noexcept override { real->cancel_all(); }
        void forget(int fd) noexcept override { real->forget(fd); }
        std::error_code poll(mayhem::wait mode) noexcept override {
            ++count;
            if (mode == mayhem::wait::yes) ++sleeps;
            return real->poll(mode);
        }
        int& count;
        int sleeps = 0;
        std::unique_ptr<backend> real;
    };

    loop_probe probe_;
    int count_ = 0;
    counting_backend* put_ = nullptr;
};

/// How often a loop is polled until so many timers have fired.
int polls_for(const loop_options& options, int timers) {
    event_loop loop(options);
    const counted_polls polls(loop);
    int fired = 0;
    int early = 0;
    for (int number = 1; number <= timers; ++number) {
        // No multiple of what a kernel or a backend may count in.
        const time_point wanted = loop.time() + number * 1'300'007ns;
        loop.call_at(wanted, [&, wanted] {
            if (loop.time() < wanted) ++early;
            if (++fired == timers) loop.stop();
        });
    }
    loop.run_forever();
    EXPECT_EQ(early, 0);
    return polls.count();
}

TEST_P(loop_timers, each_costs_one_wait_and_no_spin) {
    constexpr int timers = 10;
    int polls = 0;
    // In a thread of its own: the kernel takes the rings of earlier tests apart in the thread that
    // made them, and interrupts its waits for that.
    std::thread([&] { polls = polls_for(options(), timers); }).join();
    // One wait each, and for a virtual clock a look before each jump.
    EXPECT_LE(polls, 2 * timers);
}

/// How often a loop sleeps that waits for one timer.
int sleeps_for(const loop_options& options) {
    event_loop loop(options);
    const counted_polls polls(loop);
    const time_point wanted = loop.time() + 1'300'007ns;
    bool early = false;
    loop.call_at(wanted, [&] {
        early = loop.time() < wanted;
        loop.stop();
    });
    loop.run_forever();
    EXPECT_FALSE(early);
    return polls.sleeps();
}

TEST_P(loop_timers, a_loop_that_polls_busily_does_not_sleep_before_its_time_is_over) {
    loop_options patient = options();
    patient.busy_poll = 1h;
    EXPECT_EQ(sleeps_for(patient), 0);
}

TEST_P(loop_timers, a_loop_that_polls_busily_hears_other_threads) {
    loop_options patient = options();
    patient.busy_poll = 1h;
    event_loop loop(patient);
    std::atomic<bool> begun = false;
    loop.call_soon([&] { begun = true; });
    const std::jthread other([&] {
        while (!begun) std::this_thread::yield();
        loop.call_soon_threadsafe([&] { loop.stop(); });
    });
    loop.run_forever();
}

/// How often a loop is polled until a crowd of timers has fired, which all are due within its
/// slack.
int polls_for_crowd(const loop_options& options, int timers) {
    event_loop loop(options);
    const bool is_virtual = loop_probe(loop).has_virtual_clock();
    const counted_polls polls(loop);
    int fired = 0;
    const time_point first = loop.time() + 2ms;
    for (int number = 0; number < timers; ++number) {
        const time_point wanted = first + number * options.timer_slack / (2 * timers);
        loop.call_at(wanted, [&, wanted] {
            EXPECT_GE(loop.time(), wanted);
            if (is_virtual) {
                EXPECT_EQ(loop.time(), wanted);  // there slack would be of no use
            }
            if (++fired == timers) loop.stop();
        });
    }
    loop.run_forever();
    return polls.count();
}

TEST_P(loop_timers, a_crowd_within_the_slack_costs_one_wait) {
    constexpr int timers = 40;
    loop_options slack = options();
    slack.timer_slack = 20ms;
    int polls = 0;
    std::thread([&] { polls = polls_for_crowd(slack, timers); }).join();
    // On a busy machine some may be due before the loop first waits.
    if (!slack.virtual_clock && slack.backend != backend_kind::sim) {
        EXPECT_LT(polls, timers / 4);
    }
}

volatile std::sig_atomic_t interruptions = 0;

TEST_P(loop_timers, waits_that_signals_interrupt_are_no_error_and_end_no_timer_early) {
    struct sigaction before{};
    struct sigaction heard{};
    heard.sa_handler = [](int) { interruptions = interruptions + 1; };
    ASSERT_EQ(::sigaction(SIGUSR2, &heard, &before), 0);
    interruptions = 0;
    event_loop loop(options());
    int early = 0;
    std::function<void()> wait_again = [&] {
        const time_point wanted = loop.time() + 1ms;
        loop.call_at(wanted, [&, wanted] {
            if (loop.time() < wanted) ++early;
            if (interruptions > 5) return loop.stop();
            wait_again();
        });
    };
    wait_again();
    {
        const std::jthread disturber([waiter = ::pthread_self()](const std::stop_token& stopped) {
            while (!stopped.stop_requested()) {
                ::pthread_kill(waiter, SIGUSR2);
                std::this_thread::yield();
            }
        });
        loop.run_forever();
    }
    ::sigaction(SIGUSR2, &before, nullptr);
    EXPECT_EQ(early, 0);
}

TEST_P(loop_timers, patience_that_ends_before_the_loop_sleeps_is_not_overlooked) {
    event_loop loop(with_virtual_clock());
    bool ended = false;
    loop.call_soon([&] {  // after this tick's look at the kernel, so the next one's finds it
        loop_probe(loop).set_patience(0s, [&] {
            ended = true;
            loop.stop();
        });
    });
    loop.run_forever();
    EXPECT_TRUE(ended);
}

ON_EVERY_BACKEND(loop_timers);

}  // namespace
