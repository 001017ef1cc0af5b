// A restarter that makes some restarts of another one fail, so that retries and dead letters can be
// watched and tested (`--fail 0.2`).
//
// A failure is injected before the host is touched. It refuses to break anything half-way: hosts
// that really fail are the fleet's business.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mandrill/restart/restarter.hpp"

namespace mandrill {

class failing_restarter final : public restarter {
  public:
    /// Fails a share of `probability` of the restarts. Which ones depends on `seed`, on the host,
    /// and on how often that host was asked before: not on the order among hosts.
    /// Throws std::invalid_argument unless 0 <= probability <= 1.
    failing_restarter(std::unique_ptr<restarter> inner, double probability, std::uint64_t seed);

    mayhem::coro<void> start() override { return inner_->start(); }
    mayhem::coro<void> stop() override { return inner_->stop(); }
    [[nodiscard]] const std::vector<std::string>& hosts() const override { return inner_->hosts(); }
    [[nodiscard]] bool knows(std::string_view host) const override { return inner_->knows(host); }
    mayhem::coro<std::optional<std::string>> boot_id(std::string host) override {
        return inner_->boot_id(std::move(host));
    }
    mayhem::coro<std::string> restart(std::string host, std::string request_id) override;
    mayhem::coro<std::string> verify(std::string host, std::string before) override {
        return inner_->verify(std::move(host), std::move(before));
    }

    /// How many failures were injected so far.
    [[nodiscard]] std::uint64_t injected() const noexcept { return injected_; }

  private:
    std::unique_ptr<restarter> inner_;
    double probability_;
    std::uint64_t seed_;
    std::uint64_t injected_ = 0;
    std::map<std::string, std::uint64_t> asked_;  // per host; bounded by the size of the fleet
};

}  // namespace mandrill
