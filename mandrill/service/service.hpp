// The service: it puts the parts together, runs until it is told to stop, and takes them apart
// again in an order in which nothing is lost.
//
//   start:  database -> leases of a killed predecessor -> fleet -> request socket -> publishers
//           -> consumer
//   stop:   publishers and consumer stop; messages whose restart has not begun are nacked; begun
//           ones are carried through, their leases kept, until the drain deadline; what is left is
//           cancelled and nacked; the fleet; metrics; and the database last, for until then
//           somebody has something to record.
//
// Signals: INT, TERM and HUP end it gracefully; a second one (SIGINT, or any a second later) cuts
// the drain short; a third ends the process at once (the database survives that, as it survives
// kill -9). USR1 logs every task with its stack.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "mandrill/service/consumer.hpp"
#include "mandrill/service/publisher.hpp"

namespace mandrill {

struct service_options {
    std::filesystem::path state_directory;
    std::optional<std::chrono::nanoseconds> run_for;  ///< ends by itself after that
    double requests_per_second = 2.0;                 ///< random ones; 0 for none
    bool standard_input = false;  ///< read requests there, and end when it ended and all is settled
    std::uint64_t seed = 0;
    policy rules{};
};

/// What a run came to.
struct service_report {
    summary counts;                    ///< of this run; `outstanding` and `lost` of all
    std::vector<message_status> dead;  ///< the dead letters of the database
    std::vector<problem> problems;     ///< messages in an illegal state: none, or a bug
    std::uint64_t rejected = 0;        ///< requests refused
    std::chrono::duration<double> elapsed{};
    bool cut_off = false;  ///< work was cancelled that would have gone on
};

/// Files of the service inside the state directory.
[[nodiscard]] std::filesystem::path database_file(const std::filesystem::path& state_directory);
[[nodiscard]] std::filesystem::path socket_file(const std::filesystem::path& state_directory);

/// Runs the service until it is told to stop. `make_fleet` is called once the database is ours,
/// because the database's lock is what makes this process the fleet's only owner.
/// Throws store_error when the database cannot be opened, and what starting the fleet throws.
mayhem::coro<service_report> run_service(service_options options,
                                         std::function<std::unique_ptr<restarter>()> make_fleet);

}  // namespace mandrill
