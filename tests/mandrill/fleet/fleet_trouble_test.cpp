// The fleet in trouble: hosts that die, that do not boot, and restarts that are cancelled.
#include <filesystem>
#include <fstream>

#include "mandrill/fleet/fleet.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/mandrill/fleet/real_test.hpp"

namespace mandrill {
namespace {

using namespace test;
using mayhem::create_task;

REAL_SUITE(fleet_trouble_test);

void make_file(const std::filesystem::path& file) { std::ofstream{file} << '\n'; }

/// What a restart failed with; empty when it did not.
coro<std::string> failure_of_restart(fleet& hosts, std::string host, std::string request) {
    std::string text;
    try {
        co_await hosts.restart(host, request);
    } catch (const restart_failed& error) {
        text = error.what();
    }
    co_return text;
}

/// Waits until the host runs as a process that is not `before`, or does not run at all.
coro<void> wait_until_process_changes(const scene& here, std::string host, pid_t before) {
    while (here.runs_as(host) == before) co_await mayhem::sleep(1ms);
}

/// One process runs as the host, and it is the last in the ledger; all others are gone.
void expect_one_process(const scene& here, const std::string& host) {
    const pid_t last = here.last_boot(host).pid;
    EXPECT_EQ(here.runs_as(host), last);
    for (const boot_record& boot : here.boots()) {
        if (boot.host == host) {
            EXPECT_EQ(exists(boot.pid), boot.pid == last) << boot.pid;
        }
    }
}

REAL_TEST(fleet_trouble_test, a_host_that_dies_is_switched_on_again_without_a_request) {
    const mayhem::testing::log_capture log;
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    ::kill(before.pid, SIGKILL);
    const std::string after = co_await hosts.verify(host, before.boot_id);
    EXPECT_EQ(here.last_boot(host).boot_id, after);
    EXPECT_EQ(here.last_boot(host).request, "");
    EXPECT_EQ(log.count(host_name_of(host) + " went down by itself: SIGKILL"), 1U);
    EXPECT_EQ(log.count(host_name_of(host) + " is down; switching it on"), 1U);
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_host_that_dies_as_it_is_restarted_is_not_switched_on_twice) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    auto restart = create_task(hosts.restart(host, "r-1"));
    co_await mayhem::yield();
    ::kill(before.pid, SIGKILL);
    const std::string after = co_await restart;
    EXPECT_EQ(co_await hosts.boot_id(host), after);
    EXPECT_EQ(boots_of(here.boots(), "r-1").size(), 1U);
    EXPECT_EQ(here.boots().size(), 3U);
    expect_one_process(here, host);
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_host_that_dies_while_it_boots_fails_the_restart_with_its_reason) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    make_file(here.folder() / deadly);
    EXPECT_EQ(
        co_await failure_of_restart(hosts, host, "r-1"),
        "Could not restart " + host_name_of(host) + ": no operating system found (exit code 3)");
    EXPECT_FALSE(co_await hosts.boot_id(host));
    std::filesystem::remove(here.folder() / deadly);
    co_await hosts.verify(host, before.boot_id);  // it is switched on as soon as it can be
    expect_one_process(here, host);
    EXPECT_TRUE(boots_of(here.boots(), "r-1").empty());
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_failed_restart_can_be_repeated) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    make_file(here.folder() / deadly);
    EXPECT_NE(co_await failure_of_restart(hosts, host, "r-1"), "");
    std::filesystem::remove(here.folder() / deadly);
    EXPECT_EQ(co_await failure_of_restart(hosts, host, "r-1"), "");
    EXPECT_EQ(boots_of(here.boots(), "r-1").size(), 1U);
    expect_one_process(here, host);
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_host_that_hangs_is_killed_at_the_limit_and_start_names_it) {
    fleet_options options = here.options();
    options.hosts = 1;
    options.health_limit = 100ms;
    fleet hosts(options);
    make_file(here.folder() / paralysing);
    std::string failure;
    try {
        co_await hosts.start();
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
    EXPECT_EQ(failure, "Could not switch on " + host_name_of(hosts.hosts()[0]) +
                           ": it was not healthy 100ms after it was switched on (SIGKILL)");
    co_await hosts.stop();
    EXPECT_TRUE(here.boots().empty());
}

REAL_TEST(fleet_trouble_test, a_program_that_cannot_be_started_is_named) {
    fleet_options options = here.options();
    options.program = here.folder() / "missing";
    fleet hosts(options);
    std::string failure;
    try {
        co_await hosts.start();
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
    EXPECT_NE(failure.find("missing: No such file or directory"), failure.npos) << failure;
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_program_that_is_no_host_is_found_out) {
    fleet_options options = here.options();
    options.program = "/bin/echo";
    fleet hosts(options);
    std::string failure;
    try {
        co_await hosts.start();
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
    EXPECT_NE(failure.find("it does not speak like a host: host --name="), failure.npos) << failure;
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_restart_cancelled_before_the_host_went_down_leaves_it_in_its_boot) {
    fleet_options options = here.options();
    options.stubborn_every = 1;  // it shrugs the SIGTERM off
    fleet hosts(options);
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    auto restart = create_task(hosts.restart(host, "r-1"));
    for (int turn = 0; turn < 5; ++turn) co_await mayhem::yield();
    restart.cancel();
    EXPECT_THROW(co_await restart, mayhem::cancelled);
    EXPECT_EQ(co_await hosts.boot_id(host), before.boot_id);
    for (const std::string& each : hosts.hosts()) ::kill(here.last_boot(each).pid, SIGKILL);
    co_await hosts.verify(host, before.boot_id);
    EXPECT_TRUE(boots_of(here.boots(), "r-1").empty());
    for (const std::string& each : hosts.hosts()) {
        co_await wait_until_process_changes(here, each, 0);
        const auto now = here.runs_as(each);
        if (now) ::kill(*now, SIGKILL);
    }
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_restart_cancelled_while_the_host_boots_lets_it_come_up_once) {
    fleet_options options = here.options();
    options.boot_delay_min = options.boot_delay_max = 100ms;
    fleet hosts(options);
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    auto restart = create_task(hosts.restart(host, "r-1"));
    co_await wait_until_process_changes(here, host, before.pid);
    while (!here.runs_as(host)) co_await mayhem::sleep(1ms);  // the new one has begun
    restart.cancel();
    EXPECT_THROW(co_await restart, mayhem::cancelled);
    const std::string after = co_await hosts.verify(host, before.boot_id);
    CO_ASSERT_EQ(boots_of(here.boots(), "r-1").size(), 1U);
    EXPECT_EQ(boots_of(here.boots(), "r-1")[0].boot_id, after);
    expect_one_process(here, host);
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, wherever_a_restart_is_cancelled_a_later_one_works) {
    fleet_options options = here.options();
    options.hosts = 1;
    options.boot_delay_max = 2ms;
    fleet hosts(options);
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    for (int turns = 0; turns < 40; ++turns) {
        const std::string cut_off = "cut-off-" + std::to_string(turns);
        const std::string whole = "whole-" + std::to_string(turns);
        auto restart = create_task(hosts.restart(host, cut_off));
        for (int turn = 0; turn < turns % 10; ++turn) co_await mayhem::yield();
        for (int turn = 0; turn < turns / 4; ++turn) co_await mayhem::sleep(1ms);
        restart.cancel();
        bool was_cancelled = false;
        try {
            co_await restart;
        } catch (const mayhem::cancelled&) {
            was_cancelled = true;
        }
        const std::string after = co_await hosts.restart(host, whole);
        EXPECT_EQ(here.last_boot(host).boot_id, after);
        expect_one_process(here, host);
        EXPECT_EQ(boots_of(here.boots(), whole).size(), 1U);
        EXPECT_LE(boots_of(here.boots(), cut_off).size(), 1U) << was_cancelled;
    }
    co_await hosts.stop();
}

REAL_TEST(fleet_trouble_test, a_start_that_is_cancelled_can_be_stopped) {
    fleet_options options = here.options();
    options.boot_delay_min = options.boot_delay_max = 10s;
    fleet hosts(options);
    auto start = create_task(hosts.start());
    while (!here.runs_as(hosts.hosts()[0])) co_await mayhem::sleep(1ms);
    start.cancel();
    EXPECT_THROW(co_await start, mayhem::cancelled);
    co_await hosts.stop();
    EXPECT_FALSE(here.runs_as(hosts.hosts()[0]));
}

}  // namespace
}  // namespace mandrill
