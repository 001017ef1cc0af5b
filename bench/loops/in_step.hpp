// Several threads that work through the iterations of one benchmark together.
//
// An iteration is so many parts, no matter whose. Nobody waits for anybody after the start: with a
// fixed share for each thread and a meeting at the end an iteration would last as long as the
// slowest needs, and whatever else runs on one of the processors would be counted for all of them.
// (So do two processes of one loop each, when they are made to meet.)
#pragma once

#include <atomic>
#include <barrier>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>

namespace bench {

class in_step {
  public:
    /// An iteration has `each` parts for each thread, all together.
    in_step(benchmark::State& state, std::int64_t each)
        : state_(state),
          parts_(state.range(0) * each),
          start_(static_cast<std::ptrdiff_t>(state.range(0))) {}

    /// How many threads there are.
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(state_.range(0)); }

    /// What one of the threads asks before each part whether there is another. The first one asks
    /// for the time, too; what the others have begun when it ends is not counted.
    struct parts {
        in_step& all;
        std::size_t thread;
        bool has_begun = false;

        bool operator()() {
            if (!has_begun) {
                has_begun = true;
                all.start_.arrive_and_wait();
                if (thread == 0) all.goes_on_ = all.state_.KeepRunning();
                return all.goes_on_;
            }
            all.done_.fetch_add(1, std::memory_order_relaxed);
            if (thread == 0) all.count_iterations();
            return all.goes_on_.load(std::memory_order_relaxed);
        }
    };

  private:
    void count_iterations() {
        while (goes_on_ && done_.load(std::memory_order_relaxed) >= counted_ + parts_) {
            counted_ += parts_;
            goes_on_ = state_.KeepRunning();
        }
    }

    benchmark::State& state_;
    const std::int64_t parts_;
    std::barrier<> start_;
    std::int64_t counted_ = 0;  // parts, in whole iterations
    std::atomic<bool> goes_on_{true};
    std::atomic<std::int64_t> done_{0};  // parts
};

}  // namespace bench
