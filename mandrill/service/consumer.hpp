// Pulls messages and sees each one through, many at a time.
//
// It never pulls more than it may hold (`outstanding_max`), so a flood of requests waits in the
// database and not in memory. It never waits for one message before it takes the next. And it does
// not poll: it sleeps until something is published, something is settled, or a lease or a back-off
// of which the broker knows runs out.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "mandrill/service/handling.hpp"

namespace mandrill {

class consumer {
  public:
    explicit consumer(workplace& at) : at_(at) {}

    /// Pulls until `stop()`, and returns then; what was pulled goes on. A database that fails is
    /// logged and tried again, a second later.
    mayhem::coro<void> run();

    /// Pulls no more. What is pulled at this moment is given back.
    void stop() noexcept;

    /// Cancels every message whose restart has not begun: each is nacked. @returns how many.
    std::size_t cancel_waiting();
    /// Cancels all that is left. @returns how many.
    std::size_t cancel_all();

    /// Messages pulled and not settled.
    [[nodiscard]] std::size_t outstanding() const noexcept { return active_.size(); }

    /// Waits until nothing is outstanding, at most `limit`. @returns whether that is so.
    mayhem::coro<bool> wait_until_idle(std::chrono::milliseconds limit);

  private:
    struct active {
        active(workplace& at, delivery mine) : work(at, std::move(mine)) {}
        handling work;
        mayhem::task<void> task;
        bool is_running = false;   ///< the task has taken its first step
        bool is_unwanted = false;  ///< it is to give the message back, and no more
    };

    mayhem::coro<void> pull_once();
    mayhem::coro<void> wait_for_more();
    mayhem::coro<void> see_through(std::list<active>::iterator mine);
    void start(delivery mine);
    static void cancel(active& one);

    workplace& at_;
    std::list<active> active_;
    mayhem::event settled_;
    bool stopping_ = false;
};

}  // namespace mandrill
