// The inbox: order, waking, closing, and many producers at once (run it under TSan).
#include "loop/inbox.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tests/support/numbered.hpp"

namespace {

using namespace mayhem;

using letter = test::numbered<>;

std::vector<int> drain(inbox& box) {
    ready_queue ready;
    box.drain(ready);
    return test::take_numbers(ready);
}

bool was_woken(const inbox& box) {
    pollfd wanted{.fd = box.wake_descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&wanted, 1, 0) == 1;
}

TEST(inbox, letters_arrive_in_the_order_of_posting) {
    inbox box;
    letter first(1);
    letter second(2);
    ASSERT_TRUE(box.post(first));
    ASSERT_TRUE(box.post(second));
    EXPECT_EQ(drain(box), (std::vector{1, 2}));
    EXPECT_TRUE(drain(box).empty());
}

TEST(inbox, a_loop_that_is_awake_is_not_woken) {
    inbox box;
    letter one;
    ASSERT_TRUE(box.post(one));
    EXPECT_FALSE(was_woken(box));
    drain(box);
}

TEST(inbox, a_sleeping_loop_is_woken_once_by_the_first_of_many) {
    inbox box;
    ASSERT_TRUE(box.prepare_sleep());
    letter first(1);
    letter second(2);
    ASSERT_TRUE(box.post(first));
    ASSERT_TRUE(box.post(second));
    EXPECT_TRUE(was_woken(box));
    std::uint64_t wakes = 0;
    ASSERT_EQ(::read(box.wake_descriptor(), &wakes, sizeof wakes), 8);
    EXPECT_EQ(wakes, 1U);
    EXPECT_EQ(drain(box), (std::vector{1, 2}));
}

TEST(inbox, a_loop_with_letters_may_not_sleep) {
    inbox box;
    letter one(1);
    ASSERT_TRUE(box.post(one));
    EXPECT_FALSE(box.prepare_sleep());
    EXPECT_EQ(drain(box), std::vector{1}) << "it must not be lost to the attempt";
    EXPECT_TRUE(box.prepare_sleep());
    EXPECT_TRUE(drain(box).empty());
}

TEST(inbox, a_closed_inbox_refuses_and_hands_back_what_it_has) {
    inbox box;
    letter before(1);
    letter after(2);
    ASSERT_TRUE(box.post(before));
    ready_queue left;
    box.close(left);
    EXPECT_EQ(left.size(), 1U);
    (void)left.pop();
    EXPECT_FALSE(box.post(after));
    EXPECT_TRUE(box.is_closed());
}

TEST(inbox, many_producers_lose_nothing_and_keep_their_own_order) {
    constexpr int producers = 4;
    constexpr int each = 20'000;
    inbox box;
    std::vector<std::unique_ptr<letter>> letters;
    for (int number = 0; number < producers * each; ++number) {
        letters.push_back(std::make_unique<letter>(number));
    }
    std::vector<std::thread> threads;
    for (int producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&, producer] {
            for (int index = 0; index < each; ++index) {
                while (!box.post(*letters[static_cast<std::size_t>(producer * each + index)])) {
                }
            }
        });
    }
    std::vector<int> next(producers, 0);
    int received = 0;
    while (received < producers * each) {
        // Sleeping for real, as the loop does: a lost wake-up would hang here.
        if (box.prepare_sleep()) {
            pollfd wanted{.fd = box.wake_descriptor(), .events = POLLIN, .revents = 0};
            ASSERT_EQ(::poll(&wanted, 1, 10'000), 1) << "a wake-up was lost";
            std::uint64_t wakes = 0;
            ASSERT_EQ(::read(box.wake_descriptor(), &wakes, sizeof wakes), 8);
        }
        for (const int number : drain(box)) {
            EXPECT_EQ(number % each, next[static_cast<std::size_t>(number / each)]++);
            ++received;
        }
    }
    for (auto& thread : threads) thread.join();
}

}  // namespace
