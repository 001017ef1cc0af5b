// `mandrill demo`: the whole service, with a fleet of its own, on one machine.
#include <fmt/format.h>
#include <memory>
#include <string>

#include "mandrill/cli/commands.hpp"
#include "mandrill/cli/values.hpp"
#include "mandrill/fleet/fleet.hpp"
#include "mandrill/restart/failing.hpp"
#include "mandrill/restart/simulated.hpp"
#include "mandrill/service/foreign_text.hpp"
#include "mandrill/service/logging.hpp"
#include "mandrill/service/service.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill::cli {
namespace {

/// Times of the demo's real hosts: long enough to see a lease extended now and then.
constexpr std::chrono::milliseconds boot_delay_min{100};
constexpr std::chrono::milliseconds boot_delay_max{2500};

struct demo_options {
    std::size_t hosts = 12;
    std::string rate = "2/s";
    std::string run_for;
    std::string delay = "0";
    std::string restarter = "process";
    std::string state_directory = default_state_directory().string();
    double fail = 0;
    std::uint64_t seed = 0;
    bool standard_input = false;
    bool json = false;
    bool debug = false;
    bool rate_given = false;
};

std::unique_ptr<mandrill::restarter> make_fleet(const demo_options& options) {
    std::unique_ptr<mandrill::restarter> made;
    if (options.restarter == "simulated") {
        simulated_options simulated;
        simulated.hosts = options.hosts;
        simulated.seed = options.seed;
        simulated.delay =
            std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(options.delay));
        made = std::make_unique<simulated_restarter>(simulated);
    } else {
        fleet_options real(options.state_directory);
        real.hosts = options.hosts;
        real.seed = options.seed;
        real.boot_delay_min = boot_delay_min;
        real.boot_delay_max = boot_delay_max;
        made = std::make_unique<fleet>(real);
    }
    if (options.fail == 0) return made;
    return std::make_unique<failing_restarter>(std::move(made), options.fail, options.seed);
}

void print_line(const char* what, std::int64_t count, const std::string& note = "") {
    fmt::print("  {:<14}{:>8}{}\n", what, count, note.empty() ? "" : "   " + note);
}

void print_summary(const service_report& report) {
    const summary& counts = report.counts;
    const double seconds = report.elapsed.count();
    fmt::print("\nSummary of this run, {:.1f} s\n", seconds);
    print_line("published", counts.published);
    print_line("received", counts.received);
    print_line("saved", counts.saved);
    print_line("restarted", counts.restarted);
    print_line("extended", counts.extended);
    print_line(
        "acked", counts.acked,
        seconds > 0 ? fmt::format("{:.1f}/s", static_cast<double>(counts.acked) / seconds) : "");
    print_line("nacked", counts.nacked);
    print_line("retried", counts.retried);
    print_line("dead-lettered", counts.dead_lettered);
    print_line("rejected", static_cast<std::int64_t>(report.rejected));
    print_line("outstanding", counts.outstanding,
               counts.outstanding > 0 ? "kept in the database for the next run" : "");
    print_line("lost", counts.lost, "computed from the database");
    for (const message_status& dead : report.dead) {
        fmt::print("  dead letter: {} for {}, after {} failures: {}\n",
                   readable(dead.what.id.substr(0, 8)), hostname(dead.what), dead.failures,
                   dead.last_reason);
    }
    for (const problem& wrong : report.problems) {
        fmt::print("  PROBLEM: message {} of {}: {}\n", readable(wrong.id), wrong.host, wrong.what);
    }
    std::fflush(stdout);
}

service_options to_service_options(const demo_options& options) {
    service_options made;
    made.state_directory = options.state_directory;
    if (!options.run_for.empty()) made.run_for = parse_duration(options.run_for);
    made.requests_per_second = parse_rate(options.rate);
    // Piped requests are the whole of the work, unless a rate is asked for as well.
    if (options.standard_input && !options.rate_given) made.requests_per_second = 0;
    made.standard_input = options.standard_input;
    made.seed = options.seed;
    return made;
}

int run_demo(const demo_options& options) {
    set_up_logging(options.json ? log_format::json : log_format::text,
                   options.debug ? mayhem::log_level::debug : mayhem::log_level::info);
    mayhem::run_options how;
    how.handle_interrupt = false;  // the service has its own way to stop
    const auto report = mayhem::run(
        run_service(to_service_options(options), [options] { return make_fleet(options); }), how);
    print_summary(report);
    if (report.counts.lost > 0 || !report.problems.empty()) return internal;
    return report.cut_off ? cut_off : ok;
}

/// Turns the parsers' exceptions into CLI11's way of refusing an option.
template <typename Parser>
CLI::Validator checked_by(Parser parser, const char* kind) {
    return CLI::Validator(
        [parser](const std::string& text) {
            try {
                (void)parser(text);
                return std::string();
            } catch (const std::invalid_argument& error) {
                return std::string(error.what());
            }
        },
        kind);
}

void add_options(CLI::App& command, demo_options& options) {
    command.add_option("--hosts", options.hosts, "How many hosts the fleet has")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command
        .add_option("--rate", options.rate,
                    "Random requests on average, like 2/s or 30/m; 0 for none (default 2/s; with "
                    "--stdin none)")
        ->check(checked_by(parse_rate, "RATE"));
    command
        .add_option("--for", options.run_for,
                    "Ends by itself after this time, like 10s; without it, Ctrl-C does")
        ->check(checked_by(parse_duration, "DURATION"));
    command.add_flag("--stdin", options.standard_input,
                     "Reads requests from standard input, one JSON object a line: "
                     "{\"host\":\"cattle-zpsk\",\"reason\":\"...\"}; ends when all are settled");
    command.add_option("--fail", options.fail, "Makes this share of the restarts fail, 0 to 1")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command
        .add_option("--restarter", options.restarter,
                    "What a host is: a real process, or only simulated")
        ->check(CLI::IsMember({"process", "simulated"}))
        ->capture_default_str();
    command.add_option("--delay", options.delay, "How long a simulated restart takes, like 50ms")
        ->check(checked_by(parse_duration, "DURATION"))
        ->capture_default_str();
    command
        .add_option("--seed", options.seed,
                    "Decides the random requests, the hosts' names and the injected failures")
        ->capture_default_str();
    command
        .add_option("--state-dir", options.state_directory,
                    "Where the database, the fleet's ledger and the request socket are kept")
        ->capture_default_str();
    command.add_flag("--json", options.json, "Logs JSON lines instead of text");
    command.add_flag("--debug", options.debug, "Logs more, every published request among it");
}

}  // namespace

void add_demo(CLI::App& app, action& chosen) {
    auto options = std::make_shared<demo_options>();
    CLI::App* command = app.add_subcommand(
        "demo", "Runs the chaos monkey with a fleet of real processes on this machine");
    add_options(*command, *options);
    command->footer(
        "Signals: INT, TERM and HUP end it gracefully (what is under way is finished, the rest is\n"
        "given back); a second one cuts that short, a third ends at once. USR1 logs every task.\n"
        "Exit: 0; 64 wrong usage; 69 the database or the fleet cannot be had; 70 a bug, or a lost\n"
        "message; 75 work was cut short and is taken up by the next run.\n"
        "Environment: MAYHEM_BACKEND=uring|epoll, MAYHEM_DEBUG=1, MANDRILL_STATE, NO_COLOR.\n"
        "From another terminal: mandrill request HOST, mandrill ls, mandrill show ID.");
    command->callback([&chosen, options, command] {
        options->rate_given = command->count("--rate") > 0;
        chosen = [options] { return run_demo(*options); };
    });
}

}  // namespace mandrill::cli
