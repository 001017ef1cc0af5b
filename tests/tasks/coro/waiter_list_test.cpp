// Who waits for a completion: first come, first served, and anybody may leave.
#include "tasks/coro/waiter_list.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/numbered.hpp"

namespace {

using namespace mayhem;

using waiter = test::numbered<completion_waiter>;

std::vector<int> take_all(waiter_list& list) {
    std::vector<int> order;
    list.take_all([&](completion_waiter& each) {
        EXPECT_FALSE(each.is_waiting());
        order.push_back(static_cast<waiter&>(each).number());
    });
    return order;
}

TEST(waiter_list, gives_its_waiters_in_the_order_in_which_they_came) {
    waiter_list list;
    std::array<waiter, 4> items{waiter(1), waiter(2), waiter(3), waiter(4)};
    EXPECT_TRUE(list.empty());
    for (waiter& item : items) list.add(item);
    EXPECT_FALSE(list.empty());
    EXPECT_EQ(list.take_only(), nullptr);
    EXPECT_EQ(take_all(list), (std::vector{1, 2, 3, 4}));
    EXPECT_TRUE(list.empty());
    EXPECT_TRUE(take_all(list).empty());
}

TEST(waiter_list, gives_the_only_one_without_a_look_at_others) {
    waiter_list list;
    waiter alone(1);
    EXPECT_EQ(list.take_only(), nullptr);
    list.add(alone);
    EXPECT_TRUE(alone.is_waiting());
    EXPECT_EQ(list.take_only(), &alone);
    EXPECT_FALSE(alone.is_waiting());
    EXPECT_TRUE(list.empty());
    list.add(alone);  // again
    EXPECT_EQ(take_all(list), std::vector{1});
}

TEST(waiter_list, lets_anybody_leave) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 chance(seed);
    for (int round = 0; round < 200; ++round) {
        waiter_list list;
        std::vector<std::unique_ptr<waiter>> items;
        std::vector<int> expected;
        for (int number = 0; number < 8; ++number) {
            items.push_back(std::make_unique<waiter>(number));
            list.add(*items.back());
        }
        std::vector<int> leaving;
        for (auto& item : items) {
            if (chance() % 2 == 0) {
                expected.push_back(item->number());
            } else {
                leaving.push_back(item->number());
            }
        }
        std::ranges::shuffle(leaving, chance);
        for (const int number : leaving) {
            auto& gone = items[static_cast<std::size_t>(number)];
            waiter_list::remove(*gone);
            gone.reset();
        }
        EXPECT_EQ(take_all(list), expected);
    }
}

TEST(waiter_list, those_who_are_sent_off_may_take_others_with_them) {
    waiter_list list;
    std::array<waiter, 4> items{waiter(1), waiter(2), waiter(3), waiter(4)};
    for (waiter& item : items) list.add(item);
    std::vector<int> order;
    list.take_all([&](completion_waiter& each) {
        order.push_back(static_cast<waiter&>(each).number());
        if (items[2].is_waiting()) waiter_list::remove(items[2]);
    });
    EXPECT_EQ(order, (std::vector{1, 2, 4}));
}

}  // namespace
