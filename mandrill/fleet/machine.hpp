// One host, as the fleet sees it: a power switch and a health port.
//
//               power_on                boots                        power_off
//        off -------------> booting -------------> on ---------------------------> off
//         ^                    |                    |    SIGTERM, grace, SIGKILL
//         +--------------------+--------------------+
//            ends by itself, or is too slow: killed
//
// Each process is attended by a task of its own from its start to its end: it waits for the boot,
// then for the end, and reaps. restart() only switches and watches. That is what makes it safe to
// cancel anywhere: there is no state that only a suspended restart knows of.
//
// A second task, the keeper, switches a host on again that went down by itself, and asks for its
// health now and then. It takes turns with restarts.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mandrill/fleet/fleet_options.hpp"
#include "mandrill/fleet/instance.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/sync/event.hpp"
#include "tasks/sync/lock.hpp"

namespace mandrill {

/// Made by std::make_shared: its tasks share it. `options` are copied by nobody and outlive it.
class machine final : public std::enable_shared_from_this<machine> {
  public:
    machine(std::shared_ptr<const fleet_options> options, std::string name, bool is_stubborn);
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool is_on() const noexcept { return runs_ && boot_; }

    /// Takes over the process that runs already, or starts one, and waits until it is on.
    /// @returns true when it was taken over. Throws boot_failed or std::system_error.
    mayhem::coro<bool> bring_up();
    /// Takes over the process that runs already; false when there is none that answers.
    mayhem::coro<bool> adopt();

    /// See restarter.hpp.
    mayhem::coro<std::optional<std::string>> boot_id();
    mayhem::coro<std::string> restart(std::string request);
    mayhem::coro<std::string> verify(std::string before);

    /// Asks it to end, without waiting. Asking again does nothing.
    void terminate();
    /// Ends it, by force after the grace, and waits until it is off. Throws boot_failed if not even
    /// force helps.
    mayhem::coro<void> power_off();

    /// The keeper; runs until cancelled. It takes itself along, so as to outlive the fleet.
    mayhem::coro<void> keep(std::shared_ptr<machine> self);

  private:
    mayhem::coro<bool> bring_up_in_turn();
    mayhem::coro<void> power_on(std::string request);
    void attend(std::unique_ptr<instance> started);
    mayhem::coro<void> see_through(std::shared_ptr<machine> self);
    mayhem::coro<boot_record> wait_for_health();
    mayhem::coro<void> wait_until_booted();
    mayhem::coro<void> wait_until_off();
    mayhem::coro<bool> goes_off_within(std::chrono::milliseconds limit);
    mayhem::coro<std::string> wait_for_other_boot(std::string before);
    mayhem::coro<bool> revive();
    mayhem::coro<void> look_after();
    void went_off(std::string why);
    void state_changed() noexcept;
    [[nodiscard]] std::chrono::milliseconds draw_boot_delay();

    std::shared_ptr<const fleet_options> options_;
    std::string name_;
    bool is_stubborn_;
    std::unique_ptr<instance> runs_;   // null: off
    std::optional<boot_record> boot_;  // set: it is on, or was when it went off
    std::string why_off_ = "it was never switched on";
    bool off_is_wanted_ = false;  // its end will be our doing
    bool answers_ = true;         // the last time that the keeper asked
    std::uint64_t boots_ = 0;
    mayhem::lock turn_;  // to switch it
    mayhem::event changed_;
    mayhem::task<void> attendant_;
};

}  // namespace mandrill
