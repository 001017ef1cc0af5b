// The simulated fleet: restarts that take as long as told, and repeat with the seed.
#include "mandrill/restart/simulated.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

#include "tasks/sleep.hpp"
#include "tasks/testing/co_test.hpp"

namespace mandrill {
namespace {

using namespace std::chrono_literals;
using mayhem::coro;
using mayhem::create_task;

simulated_options two_hosts(std::chrono::milliseconds delay = 0ms) {
    simulated_options options;
    options.hosts = 2;
    options.seed = 7;
    options.delay = delay;
    return options;
}

coro<void> wait_until_down(simulated_restarter& fleet, std::string host) {
    auto answer = co_await fleet.boot_id(host);
    while (answer) {
        co_await mayhem::yield();
        answer = co_await fleet.boot_id(host);
    }
}

CO_TEST(simulated, a_restart_changes_the_boot_id_of_that_host_only) {
    simulated_restarter fleet(two_hosts());
    const std::string host = fleet.hosts()[0];
    const std::string other = fleet.hosts()[1];
    const auto before = co_await fleet.boot_id(host);
    const auto other_before = co_await fleet.boot_id(other);
    const std::string after = co_await fleet.restart(host, "r-1");
    EXPECT_NE(after, before);
    EXPECT_EQ(co_await fleet.boot_id(host), after);
    EXPECT_EQ(co_await fleet.boot_id(other), other_before);
    EXPECT_EQ(fleet.restarts(), 1U);
}

CO_TEST(simulated, a_restart_without_delay_does_not_suspend) {
    simulated_restarter fleet(two_hosts());
    const std::string host = fleet.hosts()[0];
    bool others_ran = false;
    auto other = [&]() -> coro<void> {
        others_ran = true;
        co_return;
    };
    auto task = create_task(other());
    for (int count = 0; count < 100; ++count) co_await fleet.restart(host, "r");
    EXPECT_FALSE(others_ran);
    co_await task;
}

CO_TEST(simulated, a_host_does_not_answer_while_it_restarts) {
    simulated_restarter fleet(two_hosts(5s));
    const std::string host = fleet.hosts()[0];
    const auto begin = mayhem::get_running_loop().time();
    auto restart = create_task(fleet.restart(host, "r-1"));
    co_await wait_until_down(fleet, host);
    EXPECT_FALSE(co_await fleet.boot_id(host));
    const std::string after = co_await restart;
    EXPECT_EQ(co_await fleet.boot_id(host), after);
    EXPECT_GE(mayhem::get_running_loop().time() - begin, 5s);
}

CO_TEST(simulated, restarts_of_one_host_take_turns_and_those_of_others_do_not) {
    simulated_restarter fleet(two_hosts(5s));
    const auto begin = mayhem::get_running_loop().time();
    auto first = create_task(fleet.restart(fleet.hosts()[0], "r-1"));
    auto second = create_task(fleet.restart(fleet.hosts()[0], "r-2"));
    auto other = create_task(fleet.restart(fleet.hosts()[1], "r-3"));
    EXPECT_NE(co_await first, co_await second);
    EXPECT_NE(co_await first, co_await other);
    const auto took = mayhem::get_running_loop().time() - begin;
    EXPECT_GE(took, 10s);
    EXPECT_LT(took, 15s);
}

CO_TEST(simulated, a_cancelled_restart_has_not_happened) {
    simulated_restarter fleet(two_hosts(5s));
    const std::string host = fleet.hosts()[0];
    const auto before = co_await fleet.boot_id(host);
    auto restart = create_task(fleet.restart(host, "r-1"));
    co_await wait_until_down(fleet, host);
    restart.cancel();
    EXPECT_THROW(co_await restart, mayhem::cancelled);
    EXPECT_EQ(co_await fleet.boot_id(host), before);
    EXPECT_NE(co_await fleet.restart(host, "r-1"), before);
}

CO_TEST(simulated, verify_waits_for_a_restart_that_is_under_way) {
    simulated_restarter fleet(two_hosts(5s));
    const std::string host = fleet.hosts()[0];
    const std::string before = (co_await fleet.boot_id(host)).value();
    auto restart = create_task(fleet.restart(host, "r-1"));
    co_await wait_until_down(fleet, host);
    const std::string verified = co_await fleet.verify(host, before);
    EXPECT_EQ(verified, co_await restart);
}

CO_TEST(simulated, verify_gives_up_on_a_host_that_stays_in_its_boot) {
    simulated_restarter fleet(two_hosts());
    const std::string host = fleet.hosts()[0];
    const std::string before = (co_await fleet.boot_id(host)).value();
    EXPECT_THROW(co_await fleet.verify(host, before), restart_failed);
    EXPECT_EQ(fleet.restarts(), 0U);
}

CO_TEST(simulated, a_seed_repeats_names_and_boot_ids) {
    simulated_restarter one(two_hosts());
    simulated_restarter two(two_hosts());
    EXPECT_EQ(one.hosts(), two.hosts());
    for (int count = 0; count < 3; ++count) {
        // The order among hosts does not matter.
        const std::string first = co_await one.restart(one.hosts()[0], "r");
        const std::string second = co_await one.restart(one.hosts()[1], "r");
        EXPECT_EQ(co_await two.restart(two.hosts()[1], "r"), second);
        EXPECT_EQ(co_await two.restart(two.hosts()[0], "r"), first);
    }
}

CO_TEST(simulated, an_unknown_host_is_refused) {
    simulated_restarter fleet(two_hosts());
    EXPECT_FALSE(fleet.knows("cattle-none!"));
    EXPECT_TRUE(fleet.knows(fleet.hosts()[0]));
    EXPECT_THROW(co_await fleet.boot_id("cattle-none!"), std::invalid_argument);
    EXPECT_THROW(co_await fleet.restart("cattle-none!", "r"), std::invalid_argument);
    EXPECT_THROW(co_await fleet.verify("cattle-none!", "b"), std::invalid_argument);
}

TEST(restart_failed_test, the_text_names_the_host_and_the_reason) {
    const restart_failed error("cattle-zpsk", "the power is out");
    EXPECT_STREQ(error.what(), "Could not restart cattle-zpsk.example.net: the power is out");
}

}  // namespace
}  // namespace mandrill
