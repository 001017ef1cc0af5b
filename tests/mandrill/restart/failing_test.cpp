// Injected failures: as many as asked for, the same ones for the same seed.
#include "mandrill/restart/failing.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mandrill/restart/simulated.hpp"
#include "tasks/testing/co_test.hpp"

namespace mandrill {
namespace {

using mayhem::coro;

std::unique_ptr<restarter> five_hosts() {
    simulated_options options;
    options.hosts = 5;
    return std::make_unique<simulated_restarter>(options);
}

/// Whether each of `count` restarts of `host` failed.
coro<std::vector<bool>> fates(restarter& fleet, std::string host, int count) {
    std::vector<bool> failed;
    for (int index = 0; index < count; ++index) {
        bool has_failed = false;
        try {
            co_await fleet.restart(host, "r");
        } catch (const restart_failed&) {
            has_failed = true;
        }
        failed.push_back(has_failed);
    }
    co_return failed;
}

CO_TEST(failing, fails_about_the_share_that_was_asked_for) {
    failing_restarter fleet(five_hosts(), 0.2, 1);
    for (const std::string& host : fleet.hosts()) co_await fates(fleet, host, 200);
    EXPECT_NEAR(static_cast<double>(fleet.injected()), 200.0, 50.0);
}

CO_TEST(failing, a_seed_repeats_the_failures_whatever_the_order_of_hosts) {
    failing_restarter one(five_hosts(), 0.5, 1);
    failing_restarter two(five_hosts(), 0.5, 1);
    const std::string a = one.hosts()[0];
    const std::string b = one.hosts()[1];
    const std::vector<bool> a_first = co_await fates(one, a, 40);
    const std::vector<bool> b_second = co_await fates(one, b, 40);
    EXPECT_EQ(co_await fates(two, b, 40), b_second);
    EXPECT_EQ(co_await fates(two, a, 40), a_first);
    EXPECT_NE(a_first, b_second);
}

CO_TEST(failing, another_seed_fails_others) {
    failing_restarter one(five_hosts(), 0.5, 1);
    failing_restarter two(five_hosts(), 0.5, 2);
    const std::string host = one.hosts()[0];
    const std::vector<bool> first = co_await fates(one, host, 40);
    EXPECT_NE(co_await fates(two, host, 40), first);
}

CO_TEST(failing, a_failure_does_not_touch_the_host) {
    failing_restarter fleet(five_hosts(), 1.0, 1);
    const std::string host = fleet.hosts()[0];
    const auto before = co_await fleet.boot_id(host);
    try {
        co_await fleet.restart(host, "r-1");
        ADD_FAILURE() << "it did not fail";
    } catch (const restart_failed& error) {
        EXPECT_EQ(error.what(), "Could not restart " + host_name_of(host) +
                                    ": the power switch is stuck (injected)");
    }
    EXPECT_EQ(co_await fleet.boot_id(host), before);
}

CO_TEST(failing, without_failures_it_changes_nothing) {
    failing_restarter fleet(five_hosts(), 0.0, 1);
    co_await fleet.start();
    const std::string host = fleet.hosts()[0];
    const std::string before = (co_await fleet.boot_id(host)).value();
    const std::string after = co_await fleet.restart(host, "r-1");
    EXPECT_EQ(co_await fleet.verify(host, before), after);
    EXPECT_TRUE(fleet.knows(host));
    EXPECT_FALSE(fleet.knows("cattle-none!"));
    co_await fleet.stop();
}

CO_TEST(failing, an_unknown_host_is_refused_and_not_failed) {
    failing_restarter fleet(five_hosts(), 1.0, 1);
    EXPECT_THROW(co_await fleet.restart("cattle-none!", "r"), std::invalid_argument);
    EXPECT_EQ(fleet.injected(), 0U);
}

TEST(failing_options, a_probability_is_between_0_and_1) {
    EXPECT_THROW(failing_restarter(five_hosts(), -0.1, 1), std::invalid_argument);
    EXPECT_THROW(failing_restarter(five_hosts(), 1.1, 1), std::invalid_argument);
    EXPECT_THROW(failing_restarter(five_hosts(), std::nan(""), 1), std::invalid_argument);
}

}  // namespace
}  // namespace mandrill
