// What a host of the demo's fleet is: a real process that boots, answers for its health, and can be
// told to go. `mandrill host` runs it.
//
//     lock --> boot id --> boot delay --> health port --> ledger --> ready line --> serve --> exit
//
// It stands for a machine: it outlives the service that switched it on (a service that is killed
// finds its hosts still running), and it does not trust that service to switch it off (it ends by
// itself when nobody has asked for it in a long time).
//
// It refuses to run twice at the same time under one name; see host_lock.hpp.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "tasks/coro/coro.hpp"

namespace mandrill {

struct host_options {
    host_options() = default;
    host_options(std::string its_name, std::filesystem::path its_ledger)
        : name(std::move(its_name)), ledger(std::move(its_ledger)) {}

    std::string name;              ///< instance name, `cattle-zpsk`
    std::filesystem::path ledger;  ///< the lock's file is beside it
    std::chrono::milliseconds boot_delay{0};
    bool stubborn = false;  ///< ignores SIGTERM
    std::chrono::milliseconds orphan_after{std::chrono::minutes(10)};
    std::string request;  ///< what it is restarted for; empty when just powered on
};

/// What the first word of a host's standard output means, if it is no record of its boot.
inline constexpr std::string_view boot_error_prefix = "boot failed: ";

/// Runs a host until SIGTERM, or until it is an orphan. @returns the exit code: 0, or 1 when it
/// could not boot; the reason is then on standard output, after `boot_error_prefix`. When it is
/// ready, the line of its ledger is written there too. Takes over the loop's SIGTERM handler.
mayhem::coro<int> run_host(host_options options);

}  // namespace mandrill
