// The fleet of the demo: real processes on this machine, restarted for real.
//
// It outlives its owner like a fleet of machines would: a service that is killed leaves its hosts
// running, and the next one takes them over, with their boot ids, so that what was restarted is not
// restarted again. Who runs is told by the locks, who is healthy by the health ports, and what
// happened by the ledger; nothing is believed that is written in a file alone.
//
// It refuses to guard against a second owner: the caller holds the lock of the database, which is
// in the same folder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/fleet/fleet_options.hpp"
#include "mandrill/restart/restarter.hpp"
#include "tasks/coro/task.hpp"

namespace mandrill {

class machine;

class fleet final : public restarter {
  public:
    /// Reads, or draws, the hosts' names: blocks for a moment. Throws std::runtime_error when the
    /// folder cannot be used, std::invalid_argument for options that make no sense.
    explicit fleet(fleet_options options);
    /// Hosts that still run because stop() was not awaited are killed, if this fleet started them,
    /// or left alone, if it took them over.
    ~fleet() override;

    /// See restarter.hpp. Hosts that are no longer part of the fleet and still run are stopped.
    mayhem::coro<void> start() override;
    mayhem::coro<void> stop() override;
    [[nodiscard]] const std::vector<std::string>& hosts() const override { return names_; }
    [[nodiscard]] bool knows(std::string_view host) const override;
    mayhem::coro<std::optional<std::string>> boot_id(std::string host) override;
    mayhem::coro<std::string> restart(std::string host, std::string request_id) override;
    mayhem::coro<std::string> verify(std::string host, std::string before) override;

    [[nodiscard]] const fleet_options& options() const noexcept { return *options_; }

  private:
    struct start_report;

    static mayhem::coro<void> bring_up(std::shared_ptr<machine> host, start_report& report);
    static mayhem::coro<void> retire(std::shared_ptr<machine> host, start_report& report);
    static mayhem::coro<void> switch_off(std::shared_ptr<machine> host);
    [[nodiscard]] std::shared_ptr<machine> find(std::string_view host) const;

    std::shared_ptr<const fleet_options> options_;  // shared with the machines' tasks
    std::vector<std::string> names_;
    std::map<std::string, std::shared_ptr<machine>, std::less<>> machines_;
    std::vector<std::shared_ptr<machine>> retired_;  // on record, and not in this fleet
    std::vector<mayhem::task<void>> keepers_;
    bool is_up_ = false;
};

}  // namespace mandrill
