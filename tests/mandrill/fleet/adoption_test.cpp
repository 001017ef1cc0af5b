// A fleet whose owner was killed, and the next owner. The owners here are forked processes, so that
// SIGKILL can be SIGKILL.
#include <map>
#include <sys/wait.h>
#include <unistd.h>

#include "mandrill/fleet/fleet.hpp"
#include "tasks/io/foreign_process.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/mandrill/fleet/real_test.hpp"
#include "tests/mandrill/store/child_process.hpp"

namespace mandrill {
namespace {

using namespace test;

/// True until it has ended, reaped or not: dead orphans wait for us to reap them.
bool is_running(pid_t pid) {
    const auto found = mayhem::foreign_process::open(pid);
    return found && found->is_running();
}

/// An owner: reports its progress, and never ends by itself.
using owner = coro<void> (*)(fleet_options options, child_process::report progress);

/// Runs an owner in a process of its own until it has reported `steps` steps, then kills it.
void run_and_kill(const scene& here, owner body, const fleet_options& options, int steps) {
    child_process child([&](const child_process::report& report) {
        const mayhem::testing::log_capture silent;
        mayhem::run(body(options, report), here.loop_options());
    });
    EXPECT_TRUE(child.wait_for_steps(steps)) << "the owner has ended by itself";
    child.kill();
    child.wait();
}

coro<void> start_and_wait(fleet_options options, child_process::report progress) {
    fleet hosts(options);
    co_await hosts.start();
    progress();
    co_await mayhem::sleep(1h);
}

coro<void> die_as_hosts_boot(fleet_options options, child_process::report progress) {
    fleet hosts(options);
    auto start = mayhem::create_task(hosts.start());
    for (const std::string& host : hosts.hosts()) {
        const auto lock = host_lock_file(options.ledger_file(), host);
        while (!host_lock::holder(lock)) co_await mayhem::sleep(1ms);
    }
    progress();
    co_await mayhem::sleep(1h);
}

/// Restarts one host after the other, each for a request of its own, for ever.
coro<void> restart_for_ever(fleet_options options, child_process::report progress) {
    fleet hosts(options);
    co_await hosts.start();
    progress();
    for (int count = 0;; ++count) {
        for (const std::string& host : hosts.hosts()) {
            const std::string request = std::to_string(::getpid()) + "-" + std::to_string(count);
            co_await hosts.restart(host, host + "-" + request);
            progress();
        }
    }
}

REAL_SUITE(adoption_test);

/// A new owner finds two hosts, each in its first boot, and is their full owner from then on.
coro<void> expect_found(scene& here) {
    const mayhem::testing::log_capture log;
    fleet hosts(here.options());
    co_await hosts.start();
    EXPECT_EQ(log.count("2 hosts are up: 0 switched on, 2 found running"), 1U);
    EXPECT_EQ(here.boots().size(), 2U);
    for (const std::string& host : hosts.hosts()) {
        const auto boot_id = co_await hosts.boot_id(host);
        EXPECT_EQ(boot_id, here.last_boot(host).boot_id);
        EXPECT_EQ(here.runs_as(host), here.last_boot(host).pid);
    }

    const std::string host = hosts.hosts()[0];
    const boot_record old = here.last_boot(host);
    const std::string boot_id = co_await hosts.restart(host, "r-1");
    EXPECT_EQ(here.last_boot(host).boot_id, boot_id);
    EXPECT_NE(here.runs_as(host), old.pid);
    EXPECT_FALSE(is_running(old.pid));
    co_await hosts.stop();
    for (const std::string& each : hosts.hosts()) EXPECT_FALSE(here.runs_as(each));
}

void kill_an_owner(const scene& here) { run_and_kill(here, start_and_wait, here.options(), 1); }

REAL_TEST_AFTER(kill_an_owner, adoption_test, hosts_of_a_killed_owner_are_found_as_they_were) {
    co_await expect_found(here);
}

void kill_an_owner_as_hosts_boot(const scene& here) {
    fleet_options options = here.options();
    options.boot_delay_min = options.boot_delay_max = 200ms;
    run_and_kill(here, die_as_hosts_boot, options, 1);
}

REAL_TEST_AFTER(kill_an_owner_as_hosts_boot, adoption_test, hosts_that_still_boot_are_found_too) {
    co_await expect_found(here);
}

void kill_an_owner_and_one_host(const scene& here) {
    kill_an_owner(here);
    const pid_t pid = here.boots().at(0).pid;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

REAL_TEST_AFTER(kill_an_owner_and_one_host, adoption_test, only_the_missing_hosts_are_switched_on) {
    const mayhem::testing::log_capture log;
    fleet hosts(here.options());
    co_await hosts.start();
    EXPECT_EQ(log.count("2 hosts are up: 1 switched on, 1 found running"), 1U);
    EXPECT_EQ(here.boots().size(), 3U);
    co_await hosts.stop();
}

REAL_TEST_AFTER(kill_an_owner, adoption_test, a_host_that_was_found_and_dies_is_switched_on) {
    fleet hosts(here.options());
    co_await hosts.start();
    const std::string host = hosts.hosts()[0];
    const boot_record before = here.last_boot(host);
    ::kill(before.pid, SIGKILL);
    const std::string after = co_await hosts.verify(host, before.boot_id);
    EXPECT_EQ(here.last_boot(host).boot_id, after);
    co_await hosts.stop();
}

void kill_an_owner_of_stubborn_hosts(const scene& here) {
    fleet_options options = here.options();
    options.stubborn_every = 1;
    run_and_kill(here, start_and_wait, options, 1);
}

REAL_TEST_AFTER(kill_an_owner_of_stubborn_hosts, adoption_test, stubborn_ones_are_killed_too) {
    fleet_options options = here.options();
    options.grace = 20ms;
    fleet hosts(options);
    co_await hosts.start();
    co_await hosts.stop();
    for (const std::string& host : hosts.hosts()) EXPECT_FALSE(here.runs_as(host));
}

REAL_TEST_AFTER(kill_an_owner, adoption_test, hosts_that_are_no_longer_needed_are_stopped) {
    const mayhem::testing::log_capture log;
    fleet_options options = here.options();
    options.hosts = 1;
    fleet hosts(options);
    co_await hosts.start();
    EXPECT_EQ(log.count("1 hosts that are no longer needed were stopped"), 1U);
    int running = 0;
    for (const boot_record& boot : here.boots()) running += here.runs_as(boot.host) ? 1 : 0;
    EXPECT_EQ(running, 1);
    co_await hosts.stop();
}

/// Ten owners in a row, each killed in the middle of its restarts, a little later every time.
void kill_ten_owners(const scene& here) {
    for (int steps = 1; steps <= 10; ++steps) {
        run_and_kill(here, restart_for_ever, here.options(), steps);
    }
}

REAL_TEST_AFTER(kill_ten_owners, adoption_test, no_request_boots_a_host_twice_and_no_host_is_lost) {
    fleet hosts(here.options());
    co_await hosts.start();
    std::map<std::string, int> boots_per_request;
    for (const boot_record& boot : here.boots()) {
        if (!boot.request.empty()) ++boots_per_request[boot.request];
        EXPECT_EQ(is_running(boot.pid), here.runs_as(boot.host) == boot.pid) << to_json_line(boot);
    }
    for (const auto& [request, boots] : boots_per_request) EXPECT_EQ(boots, 1) << request;
    EXPECT_GE(boots_per_request.size(), 40U);
    for (const std::string& host : hosts.hosts()) {
        const auto boot_id = co_await hosts.boot_id(host);
        EXPECT_EQ(boot_id, here.last_boot(host).boot_id);
    }
    co_await hosts.stop();
}

}  // namespace
}  // namespace mandrill
