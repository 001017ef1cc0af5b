// Figures for a StatsD server: lines such as `mandrill.loop_lag:0.512|ms`, one UDP datagram each.
//
// It sends and forgets. A server that is not there, a full buffer, a name that does not fit: the
// figure is lost, and nobody is told, because a program must not depend on those who watch it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loop/clock.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/io/address.hpp"
#include "tasks/io/udp.hpp"

namespace mayhem {

class statsd_client {
  public:
    /// Sends to `server`, with `prefix` in front of every name ("mandrill."). Nothing is sent yet.
    /// @throws std::system_error when no socket can be had; loop_error outside of a loop
    explicit statsd_client(const address& server, std::string prefix = {});

    /// The current value of something: `name:12.5|g`.
    coro<void> gauge(std::string name, double value);
    /// How long something took, in milliseconds with three decimals: `name:36.610|ms`.
    coro<void> timing(std::string name, duration took);
    /// Something happened `times` times: `name:3|c`.
    coro<void> count(std::string name, std::int64_t times = 1);

    coro<void> close() { return socket_.close(); }

  private:
    coro<void> send(std::string text);
    [[nodiscard]] std::string full_name(std::string_view name) const;

    udp_socket socket_;
    std::string prefix_;
};

}  // namespace mayhem
