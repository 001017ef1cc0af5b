// The commands of `mandrill`. Each function adds one to the command line, with its options and its
// help. Parsing fills in `chosen`, which main calls afterwards.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace mandrill::cli {

/// What the chosen command does; gives the exit code.
using action = std::function<int()>;

void add_demo(CLI::App& app, action& chosen);     ///< runs the whole service, with a fleet
void add_request(CLI::App& app, action& chosen);  ///< asks a running service for a restart
void add_hosts(CLI::App& app, action& chosen);    ///< lists a running service's hosts
void add_list(CLI::App& app, action& chosen);     ///< messages by state
void add_show(CLI::App& app, action& chosen);     ///< one message's history
void add_host(CLI::App& app, action& chosen);     ///< one host of the demo's fleet; internal

}  // namespace mandrill::cli
