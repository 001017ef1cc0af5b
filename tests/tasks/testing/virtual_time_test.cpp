// Time moved by hand: timers on the way fire in order, nothing is skipped, and who is outside (a
// child process, a job in an executor) does not hold the clock against an explicit move.
#include "tasks/testing/virtual_time.hpp"

#include <future>
#include <gmock/gmock.h>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

coro<> note_after(duration delay, int number, std::vector<int>& notes) {
    co_await mayhem::sleep(delay);
    notes.push_back(number);
}

CO_TEST(virtual_time, advance_stops_between_two_timers) {
    std::vector<int> notes;
    auto first = create_task(note_after(1s, 1, notes));
    auto second = create_task(note_after(3s, 3, notes));
    const time_point begin = get_running_loop().time();
    co_await advance(2s);
    EXPECT_THAT(notes, ElementsAre(1));
    EXPECT_EQ(get_running_loop().time() - begin, 2s);
    co_await advance(1s);
    EXPECT_THAT(notes, ElementsAre(1, 3));
    EXPECT_TRUE(first.done());
    EXPECT_TRUE(second.done());
}

CO_TEST(virtual_time, a_timer_on_the_way_sees_its_own_time) {
    const time_point begin = get_running_loop().time();
    std::vector<duration> seen;
    auto every_second = [&]() -> coro<> {
        for (int times = 0; times < 3; ++times) {
            co_await mayhem::sleep(1s);
            seen.push_back(get_running_loop().time() - begin);
        }
    };
    auto ticker = create_task(every_second());
    co_await advance(10s);
    EXPECT_THAT(seen, ElementsAre(1s, 2s, 3s));
    co_await ticker;
}

CO_TEST(virtual_time, advance_to_a_past_moment_changes_nothing) {
    const time_point begin = get_running_loop().time();
    co_await mayhem::sleep(1h);
    co_await advance_to(begin);
    EXPECT_EQ(get_running_loop().time() - begin, 1h);
}

CO_TEST(virtual_time, time_does_not_run_backwards) {
    CO_EXPECT_THROW(co_await advance(-1s), std::invalid_argument);
}

TEST(virtual_time, a_real_clock_is_not_advanced) {
    const auto body = []() -> coro<> { co_await advance(1s); };
    EXPECT_THROW(mayhem::run(body()), loop_error);
}

/// A child process that lives until it is told to end.
CO_TEST(virtual_time, a_timeout_beside_a_living_child_fires_when_the_clock_is_advanced) {
    const std::vector<std::string> arguments{"sleep", "1000"};
    process child = process::spawn(arguments);
    auto wait_a_while = [&]() -> coro<> { co_await wait_for(child.wait(), 5s); };
    auto waiting = create_task(wait_a_while());
    co_await advance(4s);
    EXPECT_FALSE(waiting.done());
    co_await advance(1s);
    CO_EXPECT_THROW(co_await waiting, timeout_error);
    child.kill();
    co_await child.wait();
}

/// The job ends when a coroutine has slept: the clock, which would stand still for the job, is
/// moved once the coroutine is known to sleep.
REAL_CO_TEST(virtual_time, a_job_that_waits_for_a_sleeper_ends_when_the_clock_is_advanced,
             "the job blocks, so it needs a thread of its own") {
    event asleep;
    auto sleep_and_answer = [&]() -> coro<int> {
        asleep.set();
        co_await mayhem::sleep(1h);
        co_return 7;
    };
    event_loop& loop = get_running_loop();
    auto ask = [&] { return run_coroutine_threadsafe(sleep_and_answer(), loop).get(); };
    auto run_job = [&]() -> coro<int> { co_return co_await to_thread(ask); };
    auto job = create_task(run_job());
    co_await asleep.wait();
    co_await advance(1h);
    EXPECT_EQ(co_await job, 7);
}

CO_TEST(virtual_time, drain_runs_everything_but_time) {
    std::vector<int> notes;
    auto chain = [&]() -> coro<> {
        for (int depth = 0; depth < 20; ++depth) co_await create_task(note_after(0s, depth, notes));
    };
    auto running = create_task(chain());
    auto sleeping = create_task(note_after(1ns, 99, notes));
    co_await drain();
    EXPECT_TRUE(running.done());
    EXPECT_EQ(notes.size(), 20U);
    EXPECT_FALSE(sleeping.done());
    co_await sleeping;
}

CO_TEST(virtual_time, drain_lets_bytes_on_their_way_arrive) {
    auto [near, far] = unix_stream::pair();
    std::string got(5, '\0');
    auto read = create_task(far.read_exactly(std::as_writable_bytes(std::span(got))));
    auto write = create_task(near.write_all("hello"));
    co_await drain();
    EXPECT_TRUE(read.done());
    EXPECT_TRUE(write.done());
    EXPECT_EQ(got, "hello");
}

CO_TEST(virtual_time, drain_gives_up_on_a_task_that_spins_and_names_it) {
    auto spin = []() -> coro<> {
        for (;;) co_await yield();
    };
    auto spinner = create_task(spin(), "spinner");
    CO_EXPECT_THROW_THAT(co_await drain(100), not_drained, WithMessage(HasSubstr("spinner")));
    spinner.cancel();
    CO_EXPECT_THROW(co_await spinner, cancelled);
}

}  // namespace
