// A fleet for tests: hosts in memory whose restarts take as long, and fail as often, as a test
// says.
#pragma once

#include <chrono>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mandrill/restart/restarter.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill::test {

class scripted_fleet final : public restarter {
  public:
    explicit scripted_fleet(std::vector<std::string> names) : names_(std::move(names)) {
        for (const std::string& name : names_) boots_[name] = 1;
    }

    std::chrono::milliseconds restart_takes{0};
    int fail_next = 0;      ///< so many restarts fail
    int restarts = 0;       ///< begun
    int restarts_done = 0;  ///< ended well
    int at_once = 0;
    int at_once_max = 0;

    /// The host boots behind the service's back.
    void boot(const std::string& host) { ++boots_[host]; }
    [[nodiscard]] std::string boot_id_now(const std::string& host) const {
        return fmt::format("{}-boot-{}", host, boots_.at(host));
    }

    mayhem::coro<void> start() override { co_return; }
    mayhem::coro<void> stop() override { co_return; }
    [[nodiscard]] const std::vector<std::string>& hosts() const override { return names_; }
    [[nodiscard]] bool knows(std::string_view host) const override {
        return boots_.contains(std::string(host));
    }
    mayhem::coro<std::optional<std::string>> boot_id(std::string host) override {
        co_return boot_id_now(host);
    }
    mayhem::coro<std::string> restart(std::string host, std::string /*request_id*/) override {
        ++restarts;
        const counted here(*this);
        co_await mayhem::sleep(restart_takes);
        if (fail_next > 0) {
            --fail_next;
            throw restart_failed(host, "scripted");
        }
        boot(host);
        ++restarts_done;
        co_return boot_id_now(host);
    }
    mayhem::coro<std::string> verify(std::string host, std::string before) override {
        if (boot_id_now(host) == before) throw restart_failed(host, "did not come back");
        co_return boot_id_now(host);
    }

  private:
    /// Counts one restart while it is under way.
    class counted {
      public:
        explicit counted(scripted_fleet& fleet) : fleet_(fleet) {
            fleet_.at_once_max = std::max(fleet_.at_once_max, ++fleet_.at_once);
        }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --fleet_.at_once; }

      private:
        scripted_fleet& fleet_;
    };

    std::vector<std::string> names_;
    std::map<std::string, int> boots_;
};

}  // namespace mandrill::test
