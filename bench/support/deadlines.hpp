// The same deadlines for everybody who measures timers, and what became of them.
#pragma once

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/support/usage.hpp"

namespace bench {

/// Delays between one second and a minute, in no order, the same in every program.
class delays {
  public:
    std::chrono::nanoseconds next() noexcept {
        value_ ^= value_ << 13;
        value_ ^= value_ >> 7;
        value_ ^= value_ << 17;
        return std::chrono::nanoseconds(1'000'000'000 + value_ % 59'000'000'000);
    }

  private:
    std::uint64_t value_ = 88172645463325252;
};

/// Sleeps spread evenly over half a second: when each is due, how late each was, and how much
/// processor time all of them took, from before they were created.
class sleepers {
  public:
    using clock = std::chrono::steady_clock;

    explicit sleepers(benchmark::State& state) : state_(state), before_(cpu_ns()) {
        late_.reserve(static_cast<std::size_t>(state.range(0)));
    }

    /// All have been created; time for them to begin is given before the first is due.
    void start() noexcept { begin_ = clock::now() + std::chrono::milliseconds(100); }

    [[nodiscard]] clock::time_point deadline(std::int64_t number) const noexcept {
        constexpr std::int64_t spread_ns = 500'000'000;
        return begin_ + std::chrono::nanoseconds(spread_ns * number / state_.range(0));
    }
    void woke(clock::time_point deadline) { late_.push_back((clock::now() - deadline).count()); }
    [[nodiscard]] bool all_woke() const noexcept {
        return late_.size() == static_cast<std::size_t>(state_.range(0));
    }

    /// Adds the counters.
    void report() {
        const auto count = static_cast<double>(late_.size());
        state_.counters["cpu_ns"] = (cpu_ns() - before_) / count;
        state_.counters["late_p50_us"] = quantile(late_, 0.5) / 1e3;
        state_.counters["late_p99_us"] = quantile(late_, 0.99) / 1e3;
        const auto first_late = std::lower_bound(late_.begin(), late_.end(), 0);
        state_.counters["early"] = static_cast<double>(first_late - late_.begin());
    }

  private:
    benchmark::State& state_;
    double before_;
    clock::time_point begin_;
    std::vector<std::int64_t> late_;
};

}  // namespace bench
