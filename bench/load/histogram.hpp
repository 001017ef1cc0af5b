// Latencies, counted in buckets: HdrHistogram's idea. Recording costs one increment, and every
// percentile is known to one part in 128, from a nanosecond to an hour.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

class histogram {
  public:
    void record(std::uint64_t nanoseconds) noexcept {
        ++counts_[index_of(nanoseconds)];
        ++total_;
        max_ = std::max(max_, nanoseconds);
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

    /// The smallest value that `percent` of all recorded ones do not exceed; 0 without any.
    [[nodiscard]] std::uint64_t percentile(double percent) const noexcept {
        const double wanted = static_cast<double>(total_) * percent / 100;
        std::uint64_t seen = 0;
        for (std::size_t index = 0; index < counts_.size(); ++index) {
            seen += counts_[index];
            if (seen > 0 && static_cast<double>(seen) >= wanted) {
                return std::min(highest_in(index), max_);
            }
        }
        return max_;
    }

  private:
    // Values below 256 have a bucket each; above, each power of two is cut into 128 buckets.
    static constexpr unsigned precision_bits = 7;
    static constexpr unsigned exact_bits = precision_bits + 1;
    static constexpr unsigned largest_bits = 42;  // an hour is 3.6e12 ns
    static constexpr std::size_t per_power = std::size_t{1} << precision_bits;
    static constexpr std::size_t buckets =
        (std::size_t{1} << exact_bits) + (largest_bits - exact_bits) * per_power;

    static std::size_t index_of(std::uint64_t value) noexcept {
        const unsigned width = static_cast<unsigned>(std::bit_width(value));
        if (width <= exact_bits) return static_cast<std::size_t>(value);
        const unsigned shift = width - exact_bits;
        const std::size_t index = shift * per_power + static_cast<std::size_t>(value >> shift);
        return std::min(index, buckets - 1);
    }

    static std::uint64_t highest_in(std::size_t index) noexcept {
        if (index < (std::size_t{1} << exact_bits)) return index;
        const std::size_t shift = index / per_power - 1;
        return ((index - shift * per_power + 1) << shift) - 1;
    }

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace bench
