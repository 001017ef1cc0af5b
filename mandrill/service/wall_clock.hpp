// The time of day, told by the loop's clock.
//
// Leases are deadlines on the wall clock, because they must outlive the process. But while the
// process lives it should not believe every step of that clock (NTP, a suspended VM, somebody
// setting the date): it reads the date once, and counts on with the loop's monotonic clock. In
// tests that clock is virtual, and a lease runs out in no time.
#pragma once

#include <chrono>

#include "loop/event_loop.hpp"
#include "mandrill/store/message.hpp"

namespace mandrill {

class wall_clock {
  public:
    explicit wall_clock(mayhem::event_loop& loop)
        : loop_(loop), started_(loop.time()), epoch_at_start_(system_now()) {}

    [[nodiscard]] epoch_ms now() const {
        using std::chrono::duration_cast;
        using std::chrono::milliseconds;
        return epoch_at_start_ + duration_cast<milliseconds>(loop_.time() - started_).count();
    }

  private:
    static epoch_ms system_now() {
        const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    }

    mayhem::event_loop& loop_;
    mayhem::time_point started_;
    epoch_ms epoch_at_start_;
};

}  // namespace mandrill
