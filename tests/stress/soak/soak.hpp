// Echo connections for as long as one likes, with everything that happens to connections: resets,
// time-outs, cancels on either side, listeners that come and go, and threads that post to the loop
// all the while. What is measured is what a service
// cares about after a week: memory, descriptors and tasks stay flat, and nobody is stuck.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"

namespace mayhem::soak {

struct options {
    std::optional<std::uint64_t> exchanges;  ///< end after so many ...
    std::optional<double> seconds;           ///< ... or after so long
    int clients = 24;
    std::uint64_t seed = 1;
};

/// What happened so far.
struct counts {
    std::uint64_t exchanges = 0;  ///< messages sent, echoed and compared
    std::uint64_t connections = 0;
    std::uint64_t resets = 0;    ///< connections that one side cut off
    std::uint64_t timeouts = 0;  ///< answers not waited for
    std::uint64_t cancels = 0;   ///< clients and handlers that were cancelled
    std::uint64_t bytes = 0;
    std::uint64_t listeners = 0;  ///< opened, one after the other
    std::uint64_t posts = 0;      ///< rounds of what other threads wanted
};

/// What the process holds at one moment.
struct sample {
    double seconds;
    std::size_t resident_kib;
    std::size_t descriptors;
    std::size_t tasks;
    std::size_t blocks;  ///< frames, tasks, futures
};

[[nodiscard]] sample take_sample(double seconds);

/// The whole run. Throws std::runtime_error when an echo is wrong or somebody is stuck.
class soak {
  public:
    explicit soak(const options& wanted);

    coro<> run();

    [[nodiscard]] const counts& counted() const noexcept { return counts_; }
    [[nodiscard]] const std::vector<sample>& samples() const noexcept { return samples_; }

  private:
    [[nodiscard]] bool is_over() const;
    coro<> serve();
    coro<> serve_for_a_while(duration how_long);
    coro<> echo(tcp_stream connection);
    coro<> be_a_client(std::size_t number);
    coro<> use_a_connection(std::size_t number);
    coro<> exchange(tcp_stream& on);
    coro<> cancel_somebody_now_and_then();
    coro<> watch();
    void reset(tcp_stream& connection);
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }

    options options_;
    std::mt19937_64 random_;
    counts counts_;
    std::vector<sample> samples_;
    std::optional<address> at_;  // where the present listener is
    std::vector<task<>> clients_;
    std::vector<time_point> last_progress_;
    std::vector<task<>> handlers_;
    time_point started_;
};

}  // namespace mayhem::soak
