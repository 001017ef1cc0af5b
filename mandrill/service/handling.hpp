// One delivery, from pulling to its end: save it and restart its host at the same time, keep its
// lease meanwhile, then ack it, or give it back.
//
//                +-- keep_lease: every 2 s, until the work is over --+
//     pulled ----+-- save ------------------+                        +---- settled
//                +-- intent, restart, done -+-- ack | fail | nack ---+
//
// The order on the right is the talk's; the order on the left is what makes it safe: the intent is
// durable before the host is touched, so that whoever finds this message after a crash knows that
// a restart may have happened, and looks at the host before he does it again.
#pragma once

#include <random>
#include <string>

#include "mandrill/restart/restarter.hpp"
#include "mandrill/service/broker.hpp"
#include "mandrill/service/metrics.hpp"
#include "mandrill/service/policy.hpp"

namespace mandrill {

/// What every part of the service works with. Owned by the service; outlives the parts.
struct workplace {
    broker& messages;
    restarter& hosts;
    const policy& rules;
    metrics& counters;
    std::mt19937_64& random;
    mayhem::semaphore& restart_permits;
};

class handling {
  public:
    handling(workplace& at, delivery mine) : at_(at), mine_(std::move(mine)) {}

    /// Carries the delivery to its end. When cancelled it gives the message back first; that is
    /// not a failure of the message.
    mayhem::coro<void> run();

    /// Ends a delivery that nobody has begun, or that could not be carried through. What was
    /// restarted is acked all the same. `retry_in` is when it is delivered again. No store_error
    /// leaves it: if even this fails, the lease runs out, and the next delivery learns what was
    /// done.
    mayhem::coro<void> give_back(std::string why, std::chrono::milliseconds retry_in = {});

    /// False while it only waits for its turn to restart a host.
    [[nodiscard]] bool has_begun() const noexcept { return begun_; }

  private:
    mayhem::coro<void> work();
    mayhem::coro<void> save();
    mayhem::coro<void> restart();
    mayhem::coro<void> restart_anew(std::string boot_id_before);
    mayhem::coro<void> keep_lease();
    mayhem::coro<void> settle_failure(std::exception_ptr error);
    mayhem::coro<void> finish();
    [[nodiscard]] std::chrono::milliseconds draw_backoff();
    void require_current(effect answer) const;

    workplace& at_;
    delivery mine_;
    bool begun_ = false;
    bool restarted_ = false;  // recorded as done: only the ack is left
};

}  // namespace mandrill
