// The timer queue against a model: a sorted multimap that does the same slowly.
#include "loop/timer_queue.hpp"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/numbered.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

using test_timer = test::numbered<timer>;

constexpr time_point start{};

std::vector<int> expire_all(timer_queue& timers, time_point now) {
    ready_queue ready;
    timers.expire(now, ready);
    return test::take_numbers<test_timer>(ready);
}

TEST(timer_queue, timers_expire_in_deadline_order) {
    timer_queue timers;
    test_timer late(1);
    test_timer early(2);
    timers.add(late, start + 2s);
    timers.add(early, start + 1s);
    EXPECT_EQ(timers.earliest(), start + 1s);
    EXPECT_EQ(expire_all(timers, start + 3s), (std::vector{2, 1}));
}

TEST(timer_queue, knows_the_last_deadline_up_to_a_limit_unless_there_is_a_crowd) {
    timer_queue timers;
    std::mt19937 random(5);
    std::vector<std::unique_ptr<test_timer>> all;
    std::multimap<time_point, test_timer*> model;
    for (int number = 0; number < 200; ++number) {
        all.push_back(std::make_unique<test_timer>(number));
        const time_point deadline = start + std::chrono::nanoseconds(random() % 1000);
        timers.add(*all.back(), deadline);
        model.emplace(deadline, all.back().get());
        for (const auto slack : {100ns, 300ns, 999ns}) {
            const time_point limit = model.begin()->first + slack;
            const time_point last = std::prev(model.upper_bound(limit))->first;
            const time_point found = timers.last_due_by(limit);
            EXPECT_GE(found, last);
            EXPECT_LE(found, limit);
            const bool is_alone = number == 0 || std::next(model.begin())->first > limit;
            if (number < 5 || is_alone) {
                EXPECT_EQ(found, last);
            }
        }
    }
    for (const auto& timer : all) timers.remove(*timer);
}

TEST(timer_queue, equal_deadlines_expire_first_in_first_out) {
    timer_queue timers;
    std::vector<std::unique_ptr<test_timer>> owned;
    std::vector<int> expected;
    for (int number = 0; number < 100; ++number) {
        owned.push_back(std::make_unique<test_timer>(number));
        timers.add(*owned.back(), start + 1s);
        expected.push_back(number);
    }
    EXPECT_EQ(expire_all(timers, start + 1s), expected);
}

TEST(timer_queue, a_timer_is_never_early) {
    timer_queue timers;
    test_timer only(1);
    timers.add(only, start + 1s);
    EXPECT_TRUE(expire_all(timers, start + 1s - 1ns).empty());
    EXPECT_EQ(expire_all(timers, start + 1s).size(), 1U);
}

TEST(timer_queue, a_hundred_thousand_cancelled_timers_leave_no_memory_behind) {
    timer_queue timers;
    std::vector<std::unique_ptr<test_timer>> owned;
    constexpr int count = 100'000;
    for (int number = 0; number < count; ++number) {
        owned.push_back(std::make_unique<test_timer>(number));
        timers.add(*owned.back(), start + std::chrono::milliseconds(number % 977));
    }
    for (auto& one : owned) timers.remove(*one);
    EXPECT_TRUE(timers.empty());
    EXPECT_LE(timers.capacity(), 256U);
}

TEST(timer_queue, random_adds_and_removes_agree_with_a_model) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    timer_queue timers;
    std::vector<std::unique_ptr<test_timer>> owned;
    std::multimap<time_point, int> model;  // equal keys keep their order of insertion
    std::vector<std::multimap<time_point, int>::iterator> places;
    for (int number = 0; number < 5'000; ++number) {
        owned.push_back(std::make_unique<test_timer>(number));
        const time_point deadline = start + std::chrono::milliseconds(random() % 500);
        timers.add(*owned.back(), deadline);
        places.push_back(model.emplace(deadline, number));
        if (random() % 3 != 0) continue;
        const std::size_t victim = random() % owned.size();
        if (!owned[victim]->is_armed()) continue;
        timers.remove(*owned[victim]);
        model.erase(places[victim]);
    }
    std::vector<int> expected;
    for (const auto& [deadline, number] : model) expected.push_back(number);
    EXPECT_EQ(expire_all(timers, start + 1h), expected);
}

TEST(clock, delays_that_overflow_mean_for_ever) {
    EXPECT_EQ(deadline_after(clock::now(), to_duration(std::chrono::duration<double>(3.6e16))),
              never);
    EXPECT_EQ(to_duration(std::chrono::duration<double>(-1e300)), duration::min());
}

TEST(clock, fractions_are_rounded_up_so_that_no_timer_is_early) {
    EXPECT_EQ(to_duration(std::chrono::duration<double, std::nano>(1.25)), 2ns);
}

TEST(clock, a_delay_that_is_not_a_number_is_refused) {
    EXPECT_THROW((void)to_duration(std::chrono::duration<double>(std::nan(""))),
                 std::invalid_argument);
}

}  // namespace
