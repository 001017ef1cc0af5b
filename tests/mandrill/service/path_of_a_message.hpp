// The whole path of a message - client, request socket, intake, store, broker, consumer, handling,
// leases, restart, ack - as something that can be disturbed, and then judged.
//
// One database, one fleet, and two services that work on them one after the other: the first one is
// disturbed, the second one goes on with what it finds, and then everything is compared with what
// the client was told and with what the fleet has seen.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "mandrill/service/service.hpp"
#include "tests/mandrill/service/lasting_fleet.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mandrill::test {

/// What many paths came to.
struct path_tally {
    std::size_t points = 0;  ///< places at which a first service was shut down
    std::size_t twice = 0;   ///< ... and again while it shut down
    std::size_t calls = 0;   ///< system calls that failed
    std::size_t runs = 0;    ///< of services
    std::int64_t lost = 0;
    std::int64_t repeated = 0;
};

class path_of_a_message {
  public:
    path_of_a_message(std::uint64_t seed, path_tally& all);

    /// The first service, with a client who asks it for restarts until all are accepted, and its
    /// own random publisher.
    mayhem::coro<void> first_service();

    /// The second service, undisturbed. @returns what is wrong then; empty when nothing is.
    std::string recover();

  private:
    service_options options_for(std::chrono::seconds time, double requests_per_second) const;
    mayhem::coro<void> ask_for_restarts();
    mayhem::coro<void> ask_until_it_hangs_up();
    mayhem::coro<void> second_service();
    void see_restart(const std::string& id);
    void require(bool holds, const std::string& otherwise);
    std::string compare();

    const mayhem::test::scratch_folder folder_;
    std::uint64_t seed_;
    path_tally& all_;
    lasting_fleet fleet_;
    std::set<std::string> accepted_;
    std::string trouble_;  // the first thing that was wrong while a service ran
    bool ended_gracefully_ = false;
    service_report report_;
};

}  // namespace mandrill::test
