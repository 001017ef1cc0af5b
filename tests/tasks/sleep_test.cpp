// Sleeping: never early, cancellable, and free under the virtual clock.
#include <gtest/gtest.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

CO_TEST(sleep, an_hour_passes_at_once_on_the_virtual_clock) {
    const time_point before = get_running_loop().time();
    co_await mayhem::sleep(1h);
    EXPECT_EQ(get_running_loop().time() - before, 1h);
}

CO_TEST(sleep, equal_deadlines_wake_in_order) {
    std::vector<int> order;
    auto sleeper = [&order](int number) -> coro<> {
        co_await mayhem::sleep(10ms);
        order.push_back(number);
    };
    auto first = create_task(sleeper(1));
    auto second = create_task(sleeper(2));
    co_await second;
    co_await first;
    EXPECT_EQ(order, (std::vector{1, 2}));
}

CO_TEST(sleep, a_delay_that_is_not_a_number_is_rejected) {
    bool rejected = false;
    try {
        co_await mayhem::sleep(std::chrono::duration<double>(std::nan("")));
    } catch (const std::invalid_argument&) {
        rejected = true;
    }
    EXPECT_TRUE(rejected);
}

CO_TEST(sleep, an_endless_sleep_can_be_cancelled) {
    auto sleeper = []() -> coro<> {
        co_await mayhem::sleep(
            std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
    };
    auto endless = create_task(sleeper());
    co_await yield();
    endless.cancel();
    bool stopped = false;
    try {
        co_await endless;
    } catch (const cancelled&) {
        stopped = true;
    }
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(endless.is_cancelled());
}

CO_TEST(sleep, cancelled_when_its_time_has_come_ends_in_the_order_of_asyncio) {
    std::vector<std::string> order;
    auto sleeper = [&order](std::string name) -> coro<> {
        try {
            co_await mayhem::sleep(1s);
            order.push_back(name + " slept");
        } catch (const cancelled&) {
            order.push_back(name + " cancelled");
        }
    };
    task<> first;
    // Armed before the sleeps, so at that instant it runs before they end.
    get_running_loop().call_later(1s, [&first] { first.cancel(); });
    first = create_task(sleeper("first"));
    auto second = create_task(sleeper("second"));
    co_await first;
    co_await second;
    EXPECT_EQ(order, (std::vector<std::string>{"first cancelled", "second slept"}));
}

}  // namespace
