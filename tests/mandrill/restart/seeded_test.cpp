// What a seed promises: the same draws on every machine, whatever the order.
#include "mandrill/restart/seeded.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <span>
#include <stdexcept>

namespace mandrill {
namespace {

TEST(seeded, draws_do_not_depend_on_their_order) {
    const auto third = draw(7, "cattle-zpsk", 3);
    const auto first = draw(7, "cattle-zpsk", 1);
    EXPECT_EQ(draw(7, "cattle-zpsk", 1), first);
    EXPECT_EQ(draw(7, "cattle-zpsk", 3), third);
    EXPECT_NE(first, third);
}

TEST(seeded, a_draw_is_fixed_for_ever) {
    // Changing the generator would make every recorded seed worthless.
    EXPECT_EQ(draw(7, "cattle-zpsk", 0), 1'475'957'098'478'782'837U);
    EXPECT_EQ(draw_boot_id(7, "cattle-zpsk", 0), "147ba729-3e8b-4975-a2d5-502c0d8af9e5");
}

TEST(seeded, other_seeds_and_other_hosts_draw_something_else) {
    EXPECT_NE(draw(7, "cattle-zpsk", 0), draw(8, "cattle-zpsk", 0));
    EXPECT_NE(draw(7, "cattle-zpsk", 0), draw(7, "cattle-zpsl", 0));
    EXPECT_NE(draw_boot_id(7, "cattle-zpsk", 0), draw_boot_id(7, "cattle-zpsk", 1));
}

TEST(seeded, fractions_fill_the_interval_evenly) {
    int below_a_fifth = 0;
    for (std::uint64_t count = 0; count < 10'000; ++count) {
        const double fraction = draw_fraction(1, "anybody", count);
        ASSERT_GE(fraction, 0.0);
        ASSERT_LT(fraction, 1.0);
        if (fraction < 0.2) ++below_a_fifth;
    }
    EXPECT_NEAR(below_a_fifth, 2'000, 200);
}

TEST(seeded, boot_ids_are_well_formed_uuids) {
    EXPECT_EQ(format_uuid(0, 0), "00000000-0000-4000-8000-000000000000");
    EXPECT_EQ(format_uuid(~0ULL, ~0ULL), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    EXPECT_EQ(format_uuid(0x0123456789abcdef, 0x0123456789abcdef),
              "01234567-89ab-4def-8123-456789abcdef");
}

TEST(seeded, a_larger_fleet_contains_the_smaller_one) {
    const auto few = draw_host_names(42, 12);
    const auto many = draw_host_names(42, 500);
    EXPECT_TRUE(std::ranges::equal(few, std::span(many).first(12)));
}

TEST(seeded, host_names_are_different_and_look_like_cattle) {
    const auto names = draw_host_names(3, 5'000);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 5'000U);
    for (const std::string& name : names) {
        ASSERT_EQ(name.size(), 11U);
        ASSERT_TRUE(name.starts_with("cattle-"));
    }
    EXPECT_THROW((void)draw_host_names(3, 100'001), std::length_error);
}

}  // namespace
}  // namespace mandrill
