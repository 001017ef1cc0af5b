// How large the things are that a program has by the million. A bound is raised only for a reason
// that the commit names: every byte here is paid for each task, each wait, each timer.
#include <gtest/gtest.h>

#include "tasks/mayhem.hpp"

namespace {

using namespace mayhem;

TEST(sizes, of_a_task_and_its_frame_are_bounded) {
    EXPECT_LE(sizeof(detail::task_state<void>), 112U);
    EXPECT_LE(sizeof(detail::future_state<int>), 80U);
    EXPECT_LE(sizeof(coro<void>::promise_type), 16U);
}

TEST(sizes, of_what_a_frame_holds_while_it_waits_are_bounded) {
    EXPECT_LE(sizeof(operation), 104U);
    EXPECT_LE(sizeof(detail::io_awaiter), 168U);
    EXPECT_LE(sizeof(parked), 48U);
    EXPECT_LE(sizeof(timer), 24U);
    EXPECT_LE(sizeof(detail::sleep_awaiter), 40U);
    EXPECT_LE(sizeof(detail::leg_set::entry), 48U);
    EXPECT_LE(sizeof(yielding), 8U);
}

TEST(sizes, of_callbacks_primitives_and_descriptors_are_bounded) {
    EXPECT_LE(sizeof(detail::callback), 72U);
    EXPECT_LE(sizeof(event), 48U);
    EXPECT_LE(sizeof(lock), 72U);
    EXPECT_LE(sizeof(semaphore), 80U);
    EXPECT_LE(sizeof(queue<int>), 248U);
    EXPECT_LE(sizeof(detail::descriptor), 88U);
}

}  // namespace
