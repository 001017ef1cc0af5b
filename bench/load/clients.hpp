// Connections that send requests to an echo server and take the time until all of each has come
// back. Bare epoll: the instrument uses none of the libraries that are measured.
//
// Closed loop: each connection sends its next request when the answer is complete, so the server
// decides how fast it goes. Open loop: requests are due at a fixed rate, whatever the server does,
// and a latency counts from when the request was due. A server that stalls then shows the wait of
// every request that it kept from being sent ("coordinated omission" is leaving those out).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/histogram.hpp"

namespace bench {

using steady = std::chrono::steady_clock;

class clients {
  public:
    /// Connects `count` clients to 127.0.0.1:`port`, which will exchange `size` bytes at a time.
    /// @throws std::system_error
    clients(std::uint16_t port, std::size_t count, std::size_t size);
    clients(const clients&) = delete;
    clients& operator=(const clients&) = delete;
    ~clients();

    /// Exchanges for `time`; a `rate` of 0 is a closed loop, else an open one of so many requests
    /// per second. At the end, a closed loop completes what is under way without counting it, and
    /// an open one completes and counts what was due.
    /// @throws std::runtime_error when the server closes a connection, answers wrong bytes, or
    /// needs ten seconds for what is left at the end
    void run(std::chrono::nanoseconds time, double rate);

    /// Of the last run.
    [[nodiscard]] const histogram& latencies() const noexcept { return latencies_; }

  private:
    struct client {
        int fd = -1;
        std::size_t sent = 0;      // of the request under way
        std::size_t received = 0;  // of its answer
        bool busy = false;
        bool waits_for_room = false;
        steady::time_point since;        // sent, or due
        std::uint64_t requests_due = 0;  // open loop: not begun yet
        std::uint64_t next_request = 0;  // open loop: counts from 0
    };

    void serve_due(steady::time_point now);
    void begin(client& own, steady::time_point since);
    void send(client& own);
    void receive(client& own);
    void complete(client& own);
    void watch(client& own, bool room_too, int how);
    void wait();
    [[nodiscard]] steady::time_point due(std::uint64_t request) const;

    std::vector<client> clients_;
    std::vector<char> payload_;
    std::vector<char> answer_;
    int epoll_ = -1;
    histogram latencies_;
    steady::time_point start_;
    steady::time_point end_;
    double rate_ = 0;
    std::uint64_t requests_ = 0;  // open loop: due so far
    std::size_t busy_ = 0;
};

}  // namespace bench
