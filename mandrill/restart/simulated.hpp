// A fleet in memory: no processes, no ports, and restarts that take exactly as long as they are
// told to. It shows what the service itself can do, and makes tests fast and repeatable.
//
// It refuses to pretend to be reliable or unreliable: wrap it in a failing_restarter for failures.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/restart/restarter.hpp"
#include "tasks/sync/lock.hpp"

namespace mandrill {

struct simulated_options {
    simulated_options() = default;

    std::size_t hosts = 12;
    std::uint64_t seed = 0;                          ///< decides names and boot ids
    std::chrono::milliseconds delay{0};              ///< how long a restart takes
    std::chrono::milliseconds verify_limit{10'000};  ///< how long verify() waits
};

/// True for `cattle-` and four lower-case letters or digits.
[[nodiscard]] bool is_cattle_name(std::string_view host) noexcept;

/// Up from construction on; start() and stop() do nothing. Memory is cheap, so besides the hosts
/// that it lists it has every other one whose name looks like cattle-zpsk, from the moment that it
/// is named. During a restart the host does not
/// answer. A restart that is cancelled has not happened: the host is in its old boot.
class simulated_restarter final : public restarter {
  public:
    explicit simulated_restarter(const simulated_options& options);

    mayhem::coro<void> start() override;
    mayhem::coro<void> stop() override;
    [[nodiscard]] const std::vector<std::string>& hosts() const override { return names_; }
    [[nodiscard]] bool knows(std::string_view host) const override;
    mayhem::coro<std::optional<std::string>> boot_id(std::string host) override;
    mayhem::coro<std::string> restart(std::string host, std::string request_id) override;
    mayhem::coro<std::string> verify(std::string host, std::string before) override;

    /// How many restarts have come to their end.
    [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

  private:
    struct host_state {
        std::uint64_t boots = 0;  ///< since it was switched on
        bool is_restarting = false;
        mayhem::lock turn;
    };
    [[nodiscard]] host_state& find(const std::string& host);
    [[nodiscard]] std::optional<std::string> answer_of(const std::string& host);

    simulated_options options_;
    std::vector<std::string> names_;
    std::map<std::string, host_state, std::less<>> states_;
    std::uint64_t restarts_ = 0;
};

}  // namespace mandrill
