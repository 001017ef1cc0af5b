// Time as the loop sees it: monotonic, in nanoseconds, and safe against what users pass as delays
// (fractions, negative values, infinities, NaN).
#pragma once

#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <stdexcept>

namespace mayhem {

using clock = std::chrono::steady_clock;
using time_point = std::chrono::time_point<clock, std::chrono::nanoseconds>;
using duration = std::chrono::nanoseconds;

/// A deadline that never comes: what an infinite or overflowing delay becomes.
inline constexpr time_point never = time_point::max();

namespace detail {

inline duration to_duration(const timespec& time) noexcept {
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// The same clock as it stood at the kernel's last tick: a fraction of the price, and behind.
[[nodiscard]] inline time_point coarse_now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time_point(to_duration(time));
}

/// From one tick of the kernel to the next: some milliseconds.
[[nodiscard]] inline duration coarse_resolution() noexcept {
    timespec time{};
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &time);
    return to_duration(time);
}

}  // namespace detail

/// Converts any duration to nanoseconds: rounded up, so that a timer is never early; saturated, so
/// that 2^55 seconds is "for ever" and not an overflow into the past.
/// @throws std::invalid_argument when the value is NaN.
template <typename Rep, typename Period>
[[nodiscard]] duration to_duration(std::chrono::duration<Rep, Period> delay) {
    using long_seconds = std::chrono::duration<long double, std::nano>;
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
        if (std::isnan(delay.count()))
            throw std::invalid_argument("Invalid delay: NaN (not a number)");
    }
    const long double nanoseconds = long_seconds(delay).count();
    // 2^63 is exactly representable: everything from there on saturates.
    constexpr long double limit = 9223372036854775808.0L;
    if (nanoseconds >= limit) return duration::max();
    if (nanoseconds <= -limit) return duration::min();
    return duration(static_cast<duration::rep>(std::ceil(nanoseconds)));
}

/// `now + delay`, saturated to `never`.
[[nodiscard]] inline time_point deadline_after(time_point now, duration delay) noexcept {
    if (delay >= never - now) return never;
    return now + delay;
}

}  // namespace mayhem
