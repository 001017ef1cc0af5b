// The queue of what is to run: first in, first out, in turns.
#include "loop/ready_queue.hpp"

#include <array>
#include <gtest/gtest.h>
#include <vector>

#include "tests/support/numbered.hpp"

namespace {

using namespace mayhem;

using test::numbered;

int number_of(runnable* item) {
    return item == nullptr ? 0 : static_cast<numbered<>*>(item)->number();
}

TEST(ready_queue, what_comes_during_a_turn_waits_for_the_next_one) {
    ready_queue ready;
    std::array<numbered<>, 4> items{numbered(1), numbered(2), numbered(3), numbered(4)};
    ready.push(items[0]);
    ready.push(items[1]);
    ready.begin_turn();
    EXPECT_EQ(number_of(ready.next()), 1);
    ready.push(items[2]);
    ready.push(items[0]);  // has run, and may come again
    EXPECT_EQ(number_of(ready.next()), 2);
    EXPECT_EQ(ready.next(), nullptr);
    EXPECT_EQ(ready.next(), nullptr);
    ready.begin_turn();
    EXPECT_EQ(number_of(ready.next()), 3);
    EXPECT_EQ(number_of(ready.next()), 1);
    EXPECT_EQ(ready.next(), nullptr);
}

TEST(ready_queue, a_turn_of_nothing_is_over_at_once) {
    ready_queue ready;
    ready.begin_turn();
    EXPECT_EQ(ready.next(), nullptr);
    EXPECT_TRUE(ready.empty());
}

TEST(ready_queue, the_rest_of_a_turn_counts_and_comes_first) {
    ready_queue ready;
    std::array<numbered<>, 4> items{numbered(1), numbered(2), numbered(3), numbered(4)};
    EXPECT_EQ(ready.size(), 0);
    for (numbered<>& item : items) {
        if (item.number() == 3) {
            ready.begin_turn();
            EXPECT_EQ(number_of(ready.next()), 1);
        }
        ready.push(item);
    }
    EXPECT_EQ(ready.size(), 3);
    EXPECT_FALSE(ready.empty());
    EXPECT_EQ(test::take_numbers(ready), (std::vector{2, 3, 4}));
    EXPECT_TRUE(ready.empty());
    EXPECT_EQ(ready.size(), 0);
}

TEST(ready_queue_death_test, dies_with_work_in_it) {
    EXPECT_DEATH(
        {
            ready_queue ready;
            numbered<> item(1);
            ready.push(item);
            ready.begin_turn();
        },
        "destroyed with work in it");
}

}  // namespace
