#include "mandrill/fleet/fleet.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "loop/log.hpp"
#include "mandrill/fleet/machine.hpp"
#include "mandrill/fleet/roster.hpp"
#include "tasks/gather.hpp"
#include "tasks/sync/semaphore.hpp"

namespace mandrill {
namespace {

/// The program's own file under its own name, so that `ps` shows `mandrill`, not `exe`. The link
/// itself works even when the file was replaced by a new build meanwhile.
std::filesystem::path resolve_program(const std::filesystem::path& program) {
    std::error_code error;
    auto resolved = std::filesystem::canonical(program, error);
    return error ? program : resolved;
}

fleet_options checked(fleet_options options) {
    if (options.hosts == 0) throw std::invalid_argument("A fleet needs at least one host");
    if (options.boots_at_once == 0) throw std::invalid_argument("boots_at_once must not be 0");
    if (options.boot_delay_max < options.boot_delay_min) {
        throw std::invalid_argument("boot_delay_max must not be less than boot_delay_min");
    }
    options.program = resolve_program(options.program);
    return options;
}

}  // namespace

/// What the concurrent parts of start() have to share.
struct fleet::start_report {
    explicit start_report(std::size_t permits) : places(permits) {}

    mayhem::semaphore places;
    std::size_t adopted = 0;
    std::size_t powered_on = 0;
    std::size_t retired = 0;
    std::string failure;  // the first one
};

fleet::fleet(fleet_options options)
    : options_(std::make_shared<const fleet_options>(checked(std::move(options)))) {
    const auto roster = load_roster(options_->folder, options_->hosts, options_->seed);
    for (std::size_t index = 0; index < roster.size(); ++index) {
        const std::size_t every = options_->stubborn_every;
        const bool is_stubborn = every != 0 && index % every == every - 1;
        auto made = std::make_shared<machine>(options_, roster[index], is_stubborn);
        if (index < options_->hosts) {
            names_.push_back(roster[index]);
            machines_.emplace(roster[index], std::move(made));
        } else {
            retired_.push_back(std::move(made));
        }
    }
    std::ranges::sort(names_);
}

fleet::~fleet() = default;

// ---- Up and down ----------------------------------------------------------------------------

mayhem::coro<void> fleet::start() {
    start_report report(options_->boots_at_once);
    std::vector<mayhem::coro<void>> parts;
    for (const auto& host : retired_) parts.push_back(retire(host, report));
    for (const auto& [name, host] : machines_) parts.push_back(bring_up(host, report));
    co_await mayhem::gather(std::move(parts));
    if (!report.failure.empty()) throw std::runtime_error(report.failure);
    for (const auto& [name, host] : machines_) {
        keepers_.push_back(mayhem::create_task(host->keep(host), "keep " + name));
    }
    is_up_ = true;
    mayhem::log(mayhem::log_level::info, "{} hosts are up: {} switched on, {} found running",
                machines_.size(), report.powered_on, report.adopted);
    if (report.retired > 0) {
        mayhem::log(mayhem::log_level::info, "{} hosts that are no longer needed were stopped",
                    report.retired);
    }
}

mayhem::coro<void> fleet::bring_up(std::shared_ptr<machine> host, start_report& report) {
    const auto place = co_await report.places.acquire_guard();
    if (!report.failure.empty()) co_return;  // the fleet will not come up any more
    try {
        const bool was_found = co_await host->bring_up();
        ++(was_found ? report.adopted : report.powered_on);
    } catch (const std::exception& error) {
        report.failure =
            fmt::format("Could not switch on {}: {}", host_name_of(host->name()), error.what());
    }
}

mayhem::coro<void> fleet::retire(std::shared_ptr<machine> host, start_report& report) {
    const auto place = co_await report.places.acquire_guard();
    try {
        const bool was_found = co_await host->adopt();
        if (!was_found) co_return;
        co_await host->power_off();
        ++report.retired;
    } catch (const std::exception& error) {
        mayhem::log(mayhem::log_level::warning, "Could not stop {}: {}", host_name_of(host->name()),
                    error.what());
    }
}

mayhem::coro<void> fleet::stop() {
    is_up_ = false;
    for (mayhem::task<void>& keeper : keepers_) keeper.cancel();
    // All of them get the signal now, whatever happens to this coroutine later.
    for (const auto& [name, host] : machines_) host->terminate();
    auto keepers = std::exchange(keepers_, {});
    co_await mayhem::gather(mayhem::return_exceptions, std::move(keepers));
    std::vector<mayhem::coro<void>> parts;
    for (const auto& [name, host] : machines_) parts.push_back(switch_off(host));
    co_await mayhem::gather(std::move(parts));
}

mayhem::coro<void> fleet::switch_off(std::shared_ptr<machine> host) {
    try {
        co_await host->power_off();
    } catch (const std::exception& error) {
        mayhem::log(mayhem::log_level::error, "Could not stop {}: {}", host_name_of(host->name()),
                    error.what());
    }
}

// ---- Hosts ----------------------------------------------------------------------------------

std::shared_ptr<machine> fleet::find(std::string_view host) const {
    const auto found = machines_.find(host);
    if (found == machines_.end()) {
        throw std::invalid_argument(fmt::format("There is no host {} in the fleet", host));
    }
    return found->second;
}

bool fleet::knows(std::string_view host) const { return machines_.contains(host); }

mayhem::coro<std::optional<std::string>> fleet::boot_id(std::string host) {
    const auto found = find(host);
    co_return co_await found->boot_id();
}

mayhem::coro<std::string> fleet::restart(std::string host, std::string request_id) {
    const auto found = find(host);
    if (!is_up_) throw restart_failed(host, "the fleet is not up");
    co_return co_await found->restart(std::move(request_id));
}

mayhem::coro<std::string> fleet::verify(std::string host, std::string before) {
    const auto found = find(host);
    co_return co_await found->verify(std::move(before));
}

}  // namespace mandrill
