// The store's operations as coroutines, with the time filled in: what the service speaks to.
//
// Each is one operation in the next group commit; see database.hpp for what cancellation means,
// and message_store.hpp for the rules and what each throws.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "mandrill/service/database.hpp"
#include "mandrill/service/wall_clock.hpp"
#include "mandrill/store/message_store.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill {

class broker {
  public:
    broker(database& db, const wall_clock& clock) : db_(db), clock_(clock) {}

    /// Accepts a request and wakes the consumer; false when its id is known already.
    mayhem::coro<bool> publish(request wish);

    mayhem::coro<std::vector<delivery>> pull(std::size_t max, std::chrono::milliseconds lease);
    /// When `pull` will next have something, from now; nullopt when nothing is open.
    mayhem::coro<std::optional<std::chrono::milliseconds>> next_due();
    /// Ends the leases of an earlier process that was killed. Returns how many there were.
    mayhem::coro<int> expire_leases();

    /// Removes messages that were acked a week ago, and with them the memory of their ids.
    mayhem::coro<int> forget_old();

    mayhem::coro<effect> extend(lease_token token, epoch_ms until);
    mayhem::coro<effect> ack(lease_token token);
    mayhem::coro<effect> nack(lease_token token, std::chrono::milliseconds delay,
                              std::string reason);
    mayhem::coro<effect> save(lease_token token);
    mayhem::coro<effect> intend(lease_token token, std::string boot_id_before);
    mayhem::coro<effect> done(lease_token token, std::string boot_id_after);
    mayhem::coro<failure> fail(lease_token token, std::string reason,
                               std::chrono::milliseconds delay);

    mayhem::coro<summary> summarize(epoch_ms since);
    mayhem::coro<std::vector<problem>> problems();
    mayhem::coro<std::vector<message_status>> dead_letters();

    [[nodiscard]] epoch_ms now() const { return clock_.now(); }

    /// Set when there may be something to pull.
    [[nodiscard]] mayhem::event& something_to_pull() noexcept { return something_to_pull_; }

  private:
    database& db_;
    const wall_clock& clock_;
    mayhem::event something_to_pull_;
};

}  // namespace mandrill
