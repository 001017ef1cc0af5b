// The command line of a host, in both directions: the fleet writes it, `mandrill host` reads it.
// They are kept in one place so that they cannot disagree.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "mandrill/fleet/host.hpp"

namespace mandrill {

/// Adds the options of a host to `command`; parsing fills `into`, which must outlive it.
void add_host_options(CLI::App& command, host_options& into);

/// The arguments that make `add_host_options` read `options` back, after the program's name:
/// `host --name cattle-zpsk --ledger ...`.
[[nodiscard]] std::vector<std::string> host_arguments(const host_options& options);

}  // namespace mandrill
