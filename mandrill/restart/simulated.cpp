#include "mandrill/restart/simulated.hpp"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <stdexcept>

#include "mandrill/restart/seeded.hpp"
#include "tasks/sleep.hpp"
#include "tasks/timeout.hpp"

namespace mandrill {
namespace {

/// Raises a flag for the length of a scope, however it is left.
class raised {
  public:
    explicit raised(bool& flag) noexcept : flag_(flag) { flag_ = true; }
    raised(const raised&) = delete;
    raised& operator=(const raised&) = delete;
    ~raised() { flag_ = false; }

  private:
    bool& flag_;
};

}  // namespace

bool is_cattle_name(std::string_view host) noexcept {
    constexpr std::string_view herd = "cattle-";
    constexpr std::size_t own_length = 4;
    if (!host.starts_with(herd)) return false;
    const std::string_view own = host.substr(herd.size());
    return own.size() == own_length && std::ranges::all_of(own, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
           });
}

simulated_restarter::simulated_restarter(const simulated_options& options)
    : options_(options), names_(draw_host_names(options.seed, options.hosts)) {
    if (names_.empty()) throw std::invalid_argument("A fleet needs at least one host");
    std::ranges::sort(names_);
    for (const std::string& name : names_) states_[name];
}

simulated_restarter::host_state& simulated_restarter::find(const std::string& host) {
    if (!knows(host)) {
        throw std::invalid_argument(fmt::format("There is no host {} in the fleet", host));
    }
    return states_[host];
}

std::optional<std::string> simulated_restarter::answer_of(const std::string& host) {
    const host_state& state = find(host);
    if (state.is_restarting) return std::nullopt;
    return draw_boot_id(options_.seed, host, state.boots);
}

mayhem::coro<void> simulated_restarter::start() { co_return; }

mayhem::coro<void> simulated_restarter::stop() { co_return; }

bool simulated_restarter::knows(std::string_view host) const { return is_cattle_name(host); }

mayhem::coro<std::optional<std::string>> simulated_restarter::boot_id(std::string host) {
    co_return answer_of(host);
}

mayhem::coro<std::string> simulated_restarter::restart(std::string host,
                                                       std::string /*request_id*/) {
    host_state& state = find(host);
    const auto turn = co_await state.turn.acquire_guard();
    if (options_.delay > options_.delay.zero()) {
        const raised down(state.is_restarting);
        co_await mayhem::sleep(options_.delay);
    }
    ++state.boots;
    ++restarts_;
    co_return draw_boot_id(options_.seed, host, state.boots);
}

mayhem::coro<std::string> simulated_restarter::verify(std::string host, std::string before) {
    using namespace std::chrono_literals;
    auto wait_for_other_boot = [this, &host, &before]() -> mayhem::coro<std::string> {
        for (;;) {
            if (auto now = answer_of(host); now && *now != before) co_return std::move(*now);
            co_await mayhem::sleep(50ms);
        }
    };
    try {
        co_return co_await mayhem::timeout(options_.verify_limit, wait_for_other_boot());
    } catch (const mayhem::timeout_error&) {
    }
    throw restart_failed(host, fmt::format("it is not up in another boot than {} after {}", before,
                                           options_.verify_limit));
}

}  // namespace mandrill
