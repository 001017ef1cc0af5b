// The roster: the same names in every run, more of them when the fleet grows.
#include "mandrill/fleet/roster.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <span>

#include "tests/support/scratch_folder.hpp"

namespace mandrill {
namespace {

class roster_test : public ::testing::Test {
  protected:
    mayhem::test::scratch_folder folder_;
};

TEST_F(roster_test, a_second_run_has_the_same_fleet_whatever_its_seed) {
    const auto first = load_roster(folder_.path(), 5, 1);
    EXPECT_EQ(first.size(), 5U);
    EXPECT_EQ(load_roster(folder_.path(), 5, 2), first);
}

TEST_F(roster_test, the_same_seed_makes_the_same_fleet) {
    const mayhem::test::scratch_folder other;
    EXPECT_EQ(load_roster(folder_.path(), 5, 1), load_roster(other.path(), 5, 1));
}

TEST_F(roster_test, a_fleet_that_grows_keeps_its_hosts) {
    const auto few = load_roster(folder_.path(), 3, 1);
    const auto more = load_roster(folder_.path(), 8, 2);
    EXPECT_EQ(more.size(), 8U);
    EXPECT_TRUE(std::ranges::equal(few, std::span(more).first(3)));
    EXPECT_EQ(std::set<std::string>(more.begin(), more.end()).size(), 8U);
}

TEST_F(roster_test, growing_with_the_same_seed_draws_no_name_twice) {
    (void)load_roster(folder_.path(), 3, 1);
    const auto more = load_roster(folder_.path(), 8, 1);
    EXPECT_EQ(std::set<std::string>(more.begin(), more.end()).size(), 8U);
}

TEST_F(roster_test, a_fleet_that_shrinks_forgets_nobody) {
    const auto many = load_roster(folder_.path(), 8, 1);
    EXPECT_EQ(load_roster(folder_.path(), 3, 1), many);
}

TEST_F(roster_test, a_name_that_could_be_a_path_or_an_option_is_refused) {
    for (const char* odd : {"../cattle", "--stubborn", "cattle zpsk", ""}) {
        std::ofstream(folder_ / "hosts") << "cattle-aaaa\n" << odd << '\n';
        EXPECT_THROW((void)load_roster(folder_.path(), 2, 1), std::runtime_error) << odd;
    }
}

TEST_F(roster_test, the_folder_is_made_when_it_is_missing) {
    EXPECT_EQ(load_roster(folder_ / "a" / "b", 2, 1).size(), 2U);
}

}  // namespace
}  // namespace mandrill
