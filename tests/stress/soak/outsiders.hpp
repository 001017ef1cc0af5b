// Other threads that want something of the loop all the time: callbacks by call_soon_threadsafe,
// and coroutines by run_coroutine_threadsafe, which they wait for, cancel, or forget.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"

namespace mayhem::soak {

class outsiders {
  public:
    /// Starts `count` threads that post to `loop`. @param seed decides what they want.
    outsiders(event_loop& loop, int count, std::uint64_t seed);

    /// Lets every thread finish what it waits for, and ends them. Throws std::runtime_error when a
    /// callback did not run once, or a coroutine was not answered.
    coro<> end();

    [[nodiscard]] std::uint64_t posts() const noexcept { return posts_; }

  private:
    void post_until_told(std::uint64_t seed);
    void submit(std::uint64_t whim);
    void wait_for(concurrent_future<int> answer);

    event_loop& loop_;
    std::atomic<bool> told_to_end_{false};
    std::atomic<int> at_work_;
    std::atomic<std::uint64_t> posts_{0};
    std::atomic<std::uint64_t> unanswered_{0};
    std::uint64_t callbacks_run_ = 0;          // the loop's thread only
    std::atomic<std::uint64_t> callbacks_{0};  // posted
    std::vector<std::jthread> threads_;        // the last member: they use all of the others
};

}  // namespace mayhem::soak
