// Several threads that work through the iterations of one benchmark together.
//
// All begin an iteration at the same time, and it ends when the last of them has done its part. The
// work of each is long (milliseconds), so that meeting costs nothing that could be seen.
#pragma once

#include <barrier>
#include <benchmark/benchmark.h>
#include <cstddef>

namespace bench {

class in_step {
  public:
    explicit in_step(benchmark::State& state)
        : state_(state), meeting_(static_cast<std::ptrdiff_t>(state.range(0))) {}

    /// How many threads there are.
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(state_.range(0)); }

    /// True when there is another iteration. Each thread asks; thread 0 keeps the time for all.
    bool more(std::size_t thread) {
        meeting_.arrive_and_wait();
        if (thread == 0) goes_on_ = state_.KeepRunning();
        meeting_.arrive_and_wait();
        return goes_on_;
    }

    /// True `times` times for each iteration: for work that comes in small parts.
    struct parts {
        in_step& all;
        std::size_t thread;
        int times;
        int left = 0;
        bool operator()() {
            if (left == 0) left = all.more(thread) ? times : 0;
            return left-- > 0;
        }
    };

  private:
    benchmark::State& state_;
    std::barrier<> meeting_;
    bool goes_on_ = false;
};

}  // namespace bench
