// Recorded sleeps: how long each was to be, and the three ways in which it can pass.
#include "tasks/testing/mock_sleep.hpp"

#include <gmock/gmock.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

coro<> sleep_twice() {
    co_await mayhem::sleep(1s);
    co_await sleep_until(get_running_loop().time() + 2s);
}

CO_TEST(mock_sleep, sleeps_are_recorded_and_return_at_once_without_giving_way) {
    const mock_sleep sleeps;
    const time_point begin = get_running_loop().time();
    auto other = create_task(sleep_twice());
    co_await sleep_twice();
    EXPECT_THAT(sleeps.durations(), ElementsAre(1s, 2s));
    EXPECT_FALSE(other.done());
    EXPECT_EQ(get_running_loop().time(), begin);
    co_await other;
    EXPECT_EQ(sleeps.count(), 4U);
}

CO_TEST(mock_sleep, a_sleep_of_a_tick_lets_others_run) {
    const mock_sleep sleeps(sleep_fate::in_a_tick);
    const time_point begin = get_running_loop().time();
    bool has_run = false;
    get_running_loop().call_soon([&] { has_run = true; });
    co_await mayhem::sleep(1h);
    EXPECT_TRUE(has_run);
    EXPECT_EQ(get_running_loop().time(), begin);
}

CO_TEST(mock_sleep, sleeps_can_be_recorded_only) {
    const mock_sleep sleeps(sleep_fate::takes_its_time);
    const time_point begin = get_running_loop().time();
    co_await sleep_twice();
    EXPECT_THAT(sleeps.durations(), ElementsAre(1s, 2s));
    EXPECT_EQ(get_running_loop().time() - begin, 3s);
}

CO_TEST(mock_sleep, giving_way_is_no_sleep) {
    const mock_sleep sleeps;
    bool has_run = false;
    get_running_loop().call_soon([&] { has_run = true; });
    co_await yield();
    EXPECT_TRUE(has_run);
    EXPECT_EQ(sleeps.count(), 0U);
}

CO_TEST(mock_sleep, time_passes_again_when_it_is_gone) {
    {
        const mock_sleep sleeps;
    }
    const time_point begin = get_running_loop().time();
    co_await mayhem::sleep(1s);
    EXPECT_EQ(get_running_loop().time() - begin, 1s);
}

CO_TEST(mock_sleep, a_loop_that_never_ends_is_ended) {
    const mock_sleep sleeps;
    auto sleep_for_ever = []() -> coro<> {
        for (;;) co_await mayhem::sleep(1s);
    };
    CO_EXPECT_THROW_THAT(co_await sleep_for_ever(), std::runtime_error,
                         WithMessage(::testing::HasSubstr("too many sleeps")));
}

CO_TEST(mock_sleep, a_cancelled_task_hears_of_it_at_a_sleep_that_returns_at_once) {
    const mock_sleep sleeps;
    auto work = []() -> coro<> {
        co_await yield();
        current_task().cancel();
        co_await mayhem::sleep(1s);
        ADD_FAILURE() << "not reached";
    };
    auto working = create_task(work());
    CO_EXPECT_THROW(co_await working, cancelled);
}

}  // namespace
