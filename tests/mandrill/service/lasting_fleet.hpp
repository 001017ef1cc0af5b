// A fleet that outlives the services that restart its hosts, as real hosts do, and remembers for
// which request each was restarted.
//
// A host is restarted before its service hears of it: for a second the answer is on its way, and
// whoever stops waiting then leaves a restart behind that has happened and is recorded nowhere.
#pragma once

#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mandrill/restart/failing.hpp"
#include "mandrill/restart/simulated.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill::test {

class lasting_fleet {
  public:
    /// `witness` is called with a request id at the moment at which its host is to be restarted.
    lasting_fleet(std::uint64_t seed, std::function<void(const std::string&)> witness)
        : witness_(std::move(witness)) {
        simulated_options options;
        options.hosts = 3;
        options.seed = seed;
        options.delay = std::chrono::seconds(5);  // leases have to be extended meanwhile
        auto simulated = std::make_unique<simulated_restarter>(options);
        hosts_ = std::make_unique<failing_restarter>(std::move(simulated), 0.2, seed);
    }

    /// What a service gets to own.
    std::unique_ptr<restarter> lend() { return std::make_unique<loan>(*this); }

    [[nodiscard]] const std::vector<std::string>& hosts() const { return hosts_->hosts(); }
    /// How often a host was restarted for it.
    [[nodiscard]] int restarts_for(const std::string& request_id) const {
        const auto found = done_.find(request_id);
        return found == done_.end() ? 0 : found->second;
    }

  private:
    class loan final : public restarter {
      public:
        explicit loan(lasting_fleet& of) : of_(of) {}
        mayhem::coro<void> start() override { return of_.hosts_->start(); }
        mayhem::coro<void> stop() override { return of_.hosts_->stop(); }
        [[nodiscard]] const std::vector<std::string>& hosts() const override { return of_.hosts(); }
        [[nodiscard]] bool knows(std::string_view host) const override {
            return of_.hosts_->knows(host);
        }
        mayhem::coro<std::optional<std::string>> boot_id(std::string host) override {
            return of_.hosts_->boot_id(std::move(host));
        }
        mayhem::coro<std::string> restart(std::string host, std::string request_id) override {
            of_.witness_(request_id);
            std::string boot = co_await of_.hosts_->restart(std::move(host), request_id);
            ++of_.done_[request_id];
            co_await mayhem::sleep(std::chrono::seconds(1));
            co_return boot;
        }
        mayhem::coro<std::string> verify(std::string host, std::string before) override {
            return of_.hosts_->verify(std::move(host), std::move(before));
        }

      private:
        lasting_fleet& of_;
    };

    std::function<void(const std::string&)> witness_;
    std::unique_ptr<restarter> hosts_;
    std::map<std::string, int> done_;
};

}  // namespace mandrill::test
