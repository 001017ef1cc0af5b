// A host by itself: a process that is started, asked, and told to go.
#include "mandrill/fleet/host.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/fleet/health.hpp"
#include "mandrill/fleet/host_command.hpp"
#include "tasks/io/line_reader.hpp"
#include "tasks/io/process.hpp"
#include "tasks/io/tcp.hpp"
#include "tests/mandrill/fleet/real_test.hpp"

namespace mandrill {
namespace {

using namespace test;
using mayhem::process;

REAL_SUITE(host_test);

constexpr const char* name = "cattle-zpsk";

host_options a_host(const scene& here) {
    host_options options(name, here.options().ledger_file());
    options.orphan_after = 300s;
    return options;
}

process start(const host_options& options) {
    std::vector<std::string> command{test_host()};
    for (std::string& argument : host_arguments(options)) command.push_back(std::move(argument));
    mayhem::process_options how;
    how.standard_input = mayhem::stdio::null();
    how.standard_output = mayhem::stdio::pipe();
    return process::spawn(command, how);
}

coro<std::string> first_line(process& host) {
    mayhem::line_reader lines(host.standard_output());
    const auto line = co_await lines.read_line();
    co_return line.value_or("");
}

/// A host that is up.
struct booted {
    process host;
    boot_record boot;
};

coro<booted> boot(host_options options) {
    booted made;
    made.host = start(options);
    const std::string line = co_await first_line(made.host);
    made.boot = parse_boot_record(line).value();
    co_return std::move(made);
}

coro<mayhem::exit_status> end(booted& running) {
    running.host.kill();
    co_return co_await running.host.wait();
}

REAL_TEST(host_test, a_boot_is_in_the_ledger_before_it_is_announced) {
    host_options options = a_host(here);
    options.request = "r-1";
    booted running = co_await boot(options);
    EXPECT_EQ(here.boots(), std::vector{running.boot});
    EXPECT_EQ(running.boot.host, name);
    EXPECT_EQ(running.boot.pid, running.host.pid());
    EXPECT_EQ(running.boot.request, "r-1");
    EXPECT_EQ(running.boot.boot_id.size(), 36U);
    EXPECT_EQ(here.runs_as(name), running.host.pid());
    co_await end(running);
}

REAL_TEST(host_test, it_answers_for_its_health) {
    booted running = co_await boot(a_host(here));
    const auto answer = co_await ask_health(running.boot.port, 10s);
    CO_ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->host, name);
    EXPECT_EQ(answer->boot_id, running.boot.boot_id);
    EXPECT_EQ(answer->pid, running.host.pid());
    EXPECT_GE(answer->uptime_ms, 0);
    co_await end(running);
}

REAL_TEST(host_test, sigterm_ends_it_with_exit_code_0_and_frees_its_name) {
    booted running = co_await boot(a_host(here));
    running.host.terminate();
    const mayhem::exit_status status = co_await running.host.wait();
    EXPECT_EQ(status.code(), 0);
    EXPECT_FALSE(here.runs_as(name));
    const auto answer = co_await ask_health(running.boot.port, 10s);
    EXPECT_FALSE(answer.has_value());
}

REAL_TEST(host_test, a_second_sigterm_finds_nothing_to_break) {
    booted running = co_await boot(a_host(here));
    running.host.terminate();
    while (here.runs_as(name)) {  // right up to its last moment
        running.host.terminate();
        co_await mayhem::yield();
    }
    const mayhem::exit_status status = co_await running.host.wait();
    const bool is_clean = status.success() || status.signal() == SIGTERM;
    EXPECT_TRUE(is_clean) << status.to_string();
}

REAL_TEST(host_test, a_stubborn_one_does_not_mind_sigterm) {
    host_options options = a_host(here);
    options.stubborn = true;
    booted running = co_await boot(options);
    running.host.terminate();
    const auto answer = co_await ask_health(running.boot.port, 10s);
    EXPECT_TRUE(answer.has_value());
    const mayhem::exit_status status = co_await end(running);
    EXPECT_EQ(status.signal(), SIGKILL);
}

REAL_TEST(host_test, it_does_not_run_twice) {
    booted running = co_await boot(a_host(here));
    process second = start(a_host(here));
    const std::string line = co_await first_line(second);
    EXPECT_EQ(line, std::string(boot_error_prefix) + name + " runs already, as process " +
                        std::to_string(running.host.pid()));
    const mayhem::exit_status status = co_await second.wait();
    EXPECT_EQ(status.code(), 1);
    EXPECT_EQ(here.boots().size(), 1U);
    co_await end(running);
}

REAL_TEST(host_test, it_survives_the_end_of_whoever_read_its_output) {
    booted running = co_await boot(a_host(here));
    co_await running.host.standard_output().close();
    const auto answer = co_await ask_health(running.boot.port, 10s);
    EXPECT_TRUE(answer.has_value());
    co_await end(running);
}

REAL_TEST(host_test, it_ends_by_itself_when_nobody_asks) {
    host_options options = a_host(here);
    options.orphan_after = 20ms;
    booted running = co_await boot(options);
    const mayhem::exit_status status = co_await running.host.wait();
    EXPECT_EQ(status.code(), 0);
}

REAL_TEST(host_test, without_a_ledger_it_does_not_come_up_and_says_why) {
    host_options options = a_host(here);
    std::filesystem::create_directory(options.ledger);  // nobody can append to that
    process host = start(options);
    const std::string line = co_await first_line(host);
    EXPECT_TRUE(line.starts_with(boot_error_prefix)) << line;
    EXPECT_NE(line.find("Is a directory"), line.npos) << line;
    const mayhem::exit_status status = co_await host.wait();
    EXPECT_EQ(status.code(), 1);
}

REAL_TEST(host_test, peers_that_misbehave_do_not_keep_it_from_answering) {
    booted running = co_await boot(a_host(here));
    const auto where = mayhem::address::loopback(running.boot.port);
    mayhem::tcp_stream silent = co_await mayhem::tcp_stream::connect(where);
    mayhem::tcp_stream gone = co_await mayhem::tcp_stream::connect(where);
    co_await gone.write_all("GET /");
    co_await gone.close();
    mayhem::tcp_stream talkative = co_await mayhem::tcp_stream::connect(where);
    const std::string flood(2000, 'x');
    co_await talkative.write_all(flood);
    const auto answer = co_await ask_health(running.boot.port, 10s);
    EXPECT_TRUE(answer.has_value());
    co_await end(running);
    co_await silent.close();
    co_await talkative.close();
}

TEST(host_command_test, what_the_fleet_writes_is_what_a_host_reads) {
    host_options written("cattle-zpsk", "/var/tmp/led ger");
    written.boot_delay = 150ms;
    written.stubborn = true;
    written.orphan_after = 10min;
    written.request = "--r-1 'quoted'";
    CLI::App app;
    host_options read;
    add_host_options(*app.add_subcommand("host"), read);
    std::vector<std::string> arguments = host_arguments(written);
    std::vector<const char*> pointers{"mandrill"};
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    app.parse(static_cast<int>(pointers.size()), pointers.data());
    EXPECT_EQ(read.name, written.name);
    EXPECT_EQ(read.ledger, written.ledger);
    EXPECT_EQ(read.boot_delay, written.boot_delay);
    EXPECT_EQ(read.stubborn, written.stubborn);
    EXPECT_EQ(read.orphan_after, written.orphan_after);
    EXPECT_EQ(read.request, written.request);
}

TEST(host_command_test, durations_have_units) {
    for (const auto& [text, expected] : {std::pair{"150ms", 150ms}, std::pair{"2s", 2000ms},
                                         std::pair{"10min", 600'000ms}, std::pair{"7", 7ms}}) {
        CLI::App app;
        host_options read;
        add_host_options(app, read);
        app.parse("--name a --ledger b --boot-delay " + std::string(text));
        EXPECT_EQ(read.boot_delay, expected) << text;
    }
}

TEST(health_test, an_answer_is_read_back) {
    health state;
    state.host = "cattle-zpsk";
    state.boot_id = "id-1";
    state.pid = 7;
    state.uptime_ms = 81;
    const auto read = parse_http_answer(to_http_answer(state));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->host, state.host);
    EXPECT_EQ(read->boot_id, state.boot_id);
    EXPECT_EQ(read->pid, state.pid);
    EXPECT_EQ(read->uptime_ms, state.uptime_ms);
}

TEST(health_test, what_is_no_answer_of_a_host_is_none) {
    const std::string whole = to_http_answer(health{});
    EXPECT_FALSE(parse_http_answer(""));
    EXPECT_FALSE(parse_http_answer(std::string_view(whole).substr(0, whole.size() - 5)));
    EXPECT_FALSE(parse_http_answer("SSH-2.0-OpenSSH_9.2\r\n"));
    EXPECT_FALSE(parse_http_answer("HTTP/1.0 404 Not Found\r\n\r\n{}"));
    EXPECT_FALSE(parse_http_answer("HTTP/1.0 200 OK\r\n\r\nhello"));
    EXPECT_FALSE(parse_http_answer("HTTP/1.0 200 OK\r\n\r\n{\"host\":7}"));
}

}  // namespace
}  // namespace mandrill
