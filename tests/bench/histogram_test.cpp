// The load generator's histogram: percentiles to one part in 128.
#include "bench/load/histogram.hpp"

#include <gtest/gtest.h>

namespace {

using bench::histogram;

TEST(histogram, of_nothing_gives_zero) {
    const histogram empty;
    EXPECT_EQ(empty.count(), 0U);
    EXPECT_EQ(empty.percentile(50), 0U);
    EXPECT_EQ(empty.max(), 0U);
}

TEST(histogram, small_values_are_exact) {
    histogram seen;
    for (std::uint64_t value = 1; value <= 100; ++value) seen.record(value);
    EXPECT_EQ(seen.percentile(50), 50U);
    EXPECT_EQ(seen.percentile(99), 99U);
    EXPECT_EQ(seen.percentile(100), 100U);
}

TEST(histogram, a_value_of_any_size_is_known_to_one_part_in_128) {
    for (std::uint64_t value = 1; value < 3'600'000'000'000; value = value * 5 / 4 + 1) {
        histogram seen;
        seen.record(value);
        seen.record(value * 4);  // so that the maximum does not bound what is asked for
        EXPECT_GE(seen.percentile(50), value);
        EXPECT_LE(seen.percentile(50), value + value / 128);
    }
}

TEST(histogram, a_value_beyond_the_range_counts_as_the_largest) {
    histogram seen;
    seen.record(~std::uint64_t{0});
    EXPECT_EQ(seen.max(), ~std::uint64_t{0});
    EXPECT_GT(seen.percentile(50), 3'600'000'000'000U);
}

TEST(histogram, one_slow_answer_in_a_thousand_shows_in_the_tail_alone) {
    histogram seen;
    for (int count = 0; count < 999; ++count) seen.record(10);
    seen.record(5000);
    EXPECT_EQ(seen.percentile(99), 10U);
    EXPECT_EQ(seen.percentile(99.9), 10U);
    EXPECT_EQ(seen.percentile(99.99), 5000U);
}

}  // namespace
