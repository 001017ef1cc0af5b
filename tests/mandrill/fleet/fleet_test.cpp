// The fleet in ordinary times: up, restart, down.
#include "mandrill/fleet/fleet.hpp"

#include <algorithm>
#include <set>

#include "tasks/gather.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/mandrill/fleet/real_test.hpp"

namespace mandrill {
namespace {

using namespace test;

REAL_SUITE(fleet_test);

REAL_TEST(fleet_test, start_returns_when_every_host_answers_with_what_is_in_the_ledger) {
    fleet hosts(here.options());
    EXPECT_TRUE(std::ranges::is_sorted(hosts.hosts()));
    CO_ASSERT_EQ(hosts.hosts().size(), 2U);
    co_await hosts.start();
    for (const std::string& host : hosts.hosts()) {
        const auto boot_id = co_await hosts.boot_id(host);
        EXPECT_EQ(boot_id, here.last_boot(host).boot_id);
        EXPECT_EQ(here.last_boot(host).request, "");
        EXPECT_EQ(here.runs_as(host), here.last_boot(host).pid);
    }
    EXPECT_EQ(here.boots().size(), 2U);
    co_await hosts.stop();
}

REAL_TEST(fleet_test, a_restart_changes_the_process_and_the_boot_id_and_nothing_else) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    const boot_record other = here.last_boot(hosts.hosts()[1]);
    const std::string boot_id = co_await hosts.restart(host, "r-1");
    const boot_record after = here.last_boot(host);
    EXPECT_EQ(after.boot_id, boot_id);
    EXPECT_EQ(after.request, "r-1");
    EXPECT_NE(after.boot_id, before.boot_id);
    EXPECT_NE(after.pid, before.pid);
    EXPECT_FALSE(exists(before.pid));
    EXPECT_EQ(co_await hosts.boot_id(host), boot_id);
    EXPECT_EQ(co_await hosts.verify(host, before.boot_id), boot_id);
    EXPECT_EQ(here.last_boot(hosts.hosts()[1]), other);
    EXPECT_EQ(boots_of(here.boots(), "r-1").size(), 1U);
    co_await hosts.stop();
}

REAL_TEST(fleet_test, restarts_of_one_host_take_turns) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    auto [first, second, third] = co_await mayhem::gather(
        hosts.restart(host, "r-1"), hosts.restart(host, "r-2"), hosts.restart(host, "r-3"));
    EXPECT_EQ((std::set<std::string>{first, second, third}).size(), 3U);
    EXPECT_EQ(co_await hosts.boot_id(host), third);
    for (const char* request : {"r-1", "r-2", "r-3"}) {
        EXPECT_EQ(boots_of(here.boots(), request).size(), 1U) << request;
    }
    co_await hosts.stop();
}

REAL_TEST(fleet_test, stop_leaves_no_process_and_may_be_repeated) {
    fleet hosts(here.options());
    co_await hosts.start();
    co_await hosts.restart(hosts.hosts()[0], "r-1");
    co_await hosts.stop();
    for (const boot_record& boot : here.boots()) EXPECT_FALSE(exists(boot.pid));
    for (const std::string& host : hosts.hosts()) {
        EXPECT_FALSE(here.runs_as(host));
        EXPECT_FALSE(co_await hosts.boot_id(host));
    }
    co_await hosts.stop();
}

REAL_TEST(fleet_test, a_stopped_fleet_restarts_nothing) {
    fleet hosts(here.options());
    co_await hosts.stop();
    EXPECT_THROW(co_await hosts.restart(hosts.hosts()[0], "r-1"), restart_failed);
    EXPECT_TRUE(here.boots().empty());
}

REAL_TEST(fleet_test, a_fleet_that_was_stopped_comes_up_again) {
    fleet hosts(here.options());
    co_await hosts.start();
    co_await hosts.stop();
    co_await hosts.start();
    EXPECT_TRUE(co_await hosts.boot_id(hosts.hosts()[0]));
    EXPECT_EQ(here.boots().size(), 4U);
    co_await hosts.stop();
}

REAL_TEST(fleet_test, a_stubborn_host_is_killed_after_the_grace) {
    const mayhem::testing::log_capture log;
    fleet_options options = here.options();
    options.hosts = 1;
    options.stubborn_every = 1;
    options.grace = 20ms;
    fleet hosts(options);
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const pid_t before = here.last_boot(host).pid;
    co_await hosts.restart(host, "r-1");
    EXPECT_FALSE(exists(before));
    EXPECT_EQ(log.count(host_name_of(host) + " ignores SIGTERM; killing it"), 1U);
    co_await hosts.stop();
    EXPECT_EQ(log.count("ignores SIGTERM"), 2U);
}

REAL_TEST(fleet_test, every_nth_host_is_stubborn) {
    const mayhem::testing::log_capture log;
    fleet_options options = here.options();
    options.hosts = 4;
    options.stubborn_every = 2;
    options.grace = 500ms;  // the obedient ones need a moment
    fleet hosts(options);
    co_await hosts.start();
    co_await hosts.stop();
    EXPECT_EQ(log.count("ignores SIGTERM"), 2U);
}

REAL_TEST(fleet_test, verify_does_not_touch_a_host_and_gives_up_at_the_limit) {
    fleet_options options = here.options();
    fleet first(options);
    co_await first.start();
    const std::string host = first.hosts()[0];
    const boot_record before = here.last_boot(host);
    EXPECT_EQ(co_await first.verify(host, "another-boot"), before.boot_id);
    co_await first.stop();

    options.health_limit = 50ms;
    fleet second(options);  // never started: its hosts do not answer
    EXPECT_THROW(co_await second.verify(host, before.boot_id), restart_failed);
    EXPECT_EQ(here.boots().size(), 2U);
}

REAL_TEST(fleet_test, unknown_hosts_are_refused) {
    fleet hosts(here.options());
    EXPECT_TRUE(hosts.knows(hosts.hosts()[0]));
    EXPECT_FALSE(hosts.knows("cattle-none!"));
    EXPECT_THROW(co_await hosts.boot_id("cattle-none!"), std::invalid_argument);
    EXPECT_THROW(co_await hosts.restart("cattle-none!", "r-1"), std::invalid_argument);
    EXPECT_THROW(co_await hosts.verify("cattle-none!", "b"), std::invalid_argument);
}

REAL_TEST(fleet_test, hosts_are_asked_for_their_health_all_the_time) {
    const mayhem::testing::log_capture log;
    fleet_options options = here.options();
    options.ask_every = 5ms;
    options.answer_limit = 20ms;
    fleet hosts(options);
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const pid_t pid = here.last_boot(host).pid;
    ::kill(pid, SIGSTOP);
    const std::string complaint = host_name_of(host) + " does not answer";
    while (log.count(complaint) == 0) co_await mayhem::sleep(1ms);
    ::kill(pid, SIGCONT);
    co_await hosts.stop();
    EXPECT_EQ(log.count(complaint), 1U);  // once, and not every time
}

TEST(fleet_options_test, options_that_make_no_sense_are_refused) {
    const mayhem::test::scratch_folder folder;
    fleet_options options(folder.path());
    options.hosts = 0;
    EXPECT_THROW(fleet{options}, std::invalid_argument);
    options.hosts = 1;
    options.boot_delay_max = options.boot_delay_min - 1ms;
    EXPECT_THROW(fleet{options}, std::invalid_argument);
    options.boot_delay_max = options.boot_delay_min;
    options.boots_at_once = 0;
    EXPECT_THROW(fleet{options}, std::invalid_argument);
}

}  // namespace
}  // namespace mandrill
