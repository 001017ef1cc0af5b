// Puts one echo server under load and prints what came of it, in Google Benchmark's JSON:
//
//     load [options] -- SERVER [ARGUMENTS]
//
// The server is started by it, prints the port that it listens on, and is killed at the end.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/clients.hpp"
#include "bench/load/server_process.hpp"

namespace {

using namespace bench;

struct load_options {
    std::string name = "echo";
    std::size_t connections = 50;
    std::size_t size = 64;
    double seconds = 2;
    double warm_up = 0.5;
    double rate = 0;
    std::vector<int> processors;  // the server's, ours
    std::vector<std::string> command;
};

std::chrono::nanoseconds to_duration(double seconds) {
    return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

void add_options(CLI::App& app, load_options& options) {
    app.add_option("--name", options.name, "what the result is called");
    app.add_option("--connections", options.connections, "clients, each with one connection")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--size", options.size, "bytes of a request and of its answer")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--seconds", options.seconds, "how long to measure")->capture_default_str();
    app.add_option("--warm-up", options.warm_up, "seconds before that")->capture_default_str();
    app.add_option("--rate", options.rate,
                   "requests per second, whatever the server does; 0: each client sends its next "
                   "one when it has its answer")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--pin", options.processors,
                   "the processor of the server, and the one of the clients")
        ->expected(2);
    app.add_option("server", options.command, "the server's program and its arguments")->required();
}

/// Connections that do nothing: what one of them costs the server.
double bytes_per_idle_connection(const server_process& server, const load_options& options) {
    const std::size_t before = server.private_bytes();
    clients idle(server.port(), options.connections, options.size);
    idle.run(to_duration(options.warm_up), 0);  // each has been used
    const double grown = static_cast<double>(server.private_bytes()) - static_cast<double>(before);
    return std::max(0.0, grown) / static_cast<double>(options.connections);
}

void measure(const load_options& options) {
    const bool pinned = !options.processors.empty();
    const server_process server(options.command, pinned ? options.processors[0] : -1);
    if (pinned) pin_to(options.processors[1]);
    const double idle_bytes = bytes_per_idle_connection(server, options);
    clients load(server.port(), options.connections, options.size);
    load.run(to_duration(options.warm_up), options.rate);
    const auto processor_before = server.processor_time();
    const auto started = steady::now();
    load.run(to_duration(options.seconds), options.rate);
    const std::chrono::duration<double> lasted = steady::now() - started;
    const auto used = server.processor_time() - processor_before;
    const histogram& seen = load.latencies();
    if (seen.count() == 0) throw std::runtime_error("not one request was answered in time");
    const auto requests = static_cast<double>(seen.count());
    fmt::print(R"({{"context": {{"connections": {}, "size": {}, "rate": {}}}, "benchmarks": [
  {{"name": "{}", "run_type": "iteration", "iterations": {},
    "real_time": {:.1f}, "cpu_time": {:.1f}, "time_unit": "ns",
    "requests_per_second": {:.1f}, "p50_ns": {}, "p99_ns": {}, "p999_ns": {}, "max_ns": {},
    "bytes_per_connection": {:.1f}}}
]}}
)",
               options.connections, options.size, options.rate, options.name, seen.count(),
               lasted.count() * 1e9 / requests, static_cast<double>(used.count()) / requests,
               requests / options.seconds, seen.percentile(50), seen.percentile(99),
               seen.percentile(99.9), seen.max(), idle_bytes);
}

}  // namespace

int main(int argc, char** argv) {
    load_options options;
    CLI::App app("Puts an echo server under load: load [options] -- SERVER [ARGUMENTS]", "load");
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    try {
        measure(options);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "load: {}\n", error.what());
        return 1;
    }
}
