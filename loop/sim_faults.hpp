// Chance and misfortune of the simulated kernel: one generator, one counter of calls, one trace.
//
// Everything that a run leaves to chance is asked here, and nothing else is: no clock, no address
// of an object, no order of a hash table. That is what makes a seed reproduce a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "loop/clock.hpp"
#include "loop/sim_options.hpp"

namespace mayhem {

/// The errors with which `call` may fail whatever the program does, for `fail_call`; empty for
/// calls that cannot fail when they are made properly. Ready to read, ready to write and close do
/// not fail: whatever their error said, no program could act on it.
[[nodiscard]] std::span<const int> legal_errors(sim_call call) noexcept;

class sim_faults {
  public:
    explicit sim_faults(sim_options options);

    [[nodiscard]] const sim_options& options() const noexcept { return options_; }
    [[nodiscard]] std::uint64_t seed() const noexcept { return *options_.seed; }

    /// Where the virtual clock stands.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    void set_now(time_point now) noexcept { now_ = now; }

    /// A number below `bound`, which is at least 1.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
    [[nodiscard]] bool chance(unsigned percent) noexcept;
    /// Up to `delay_max`.
    [[nodiscard]] duration delay() noexcept;

    /// Counts `call` and decides whether it fails: an errno, or 0.
    [[nodiscard]] int failure_of(sim_call call) noexcept;

    /// Notes a finished call. @returns the result
    std::int32_t note(sim_call call, std::int32_t result) noexcept;

  private:
    [[nodiscard]] int asked_failure(sim_call call) noexcept;

    sim_options options_;
    std::vector<std::size_t> seen_;    // per fault: calls of its kind so far
    std::vector<std::size_t> failed_;  // per fault: how often it struck
    std::uint64_t state_;
    std::size_t calls_ = 0;
    time_point now_;
};

/// Where every simulated clock starts: nowhere near the real one.
inline constexpr time_point sim_epoch{std::chrono::hours(1)};

}  // namespace mayhem
