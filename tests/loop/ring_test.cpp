// The ladder of flags, the probe, and the ownership of a ring.
#include "loop/ring.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <utility>

#include "tests/support/refuse_system_call.hpp"

namespace mayhem::detail {
namespace {

// Makes the ring, or ends the test where the kernel refuses it.
#define MAKE_RING(name, ...)                                         \
    auto name##_made = ring::create(__VA_ARGS__);                    \
    if (!name##_made) GTEST_SKIP() << name##_made.error().message(); \
    [[maybe_unused]] ring& name = *name##_made

TEST(ring_test, a_ring_carries_a_submission_and_its_completion) {
    MAKE_RING(ring, ring_options{});
    io_uring_sqe* const sqe = io_uring_get_sqe(ring.get());
    ASSERT_NE(sqe, nullptr);
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data64(sqe, 42);
    ASSERT_EQ(io_uring_submit_and_wait(ring.get(), 1), 1);
    io_uring_cqe* cqe = nullptr;
    ASSERT_EQ(io_uring_peek_cqe(ring.get(), &cqe), 0);
    EXPECT_EQ(cqe->user_data, 42U);
    io_uring_cqe_seen(ring.get(), cqe);
    EXPECT_FALSE(ring.wants_enter());
}

TEST(ring_test, the_ladder_starts_where_it_is_told_and_never_higher) {
    for (const ring_mode best : {ring_mode::deferred, ring_mode::cooperative, ring_mode::plain}) {
        MAKE_RING(ring, ring_options{.best_mode = best});
        EXPECT_GE(ring.mode(), best);
        const bool defers = (ring.get()->flags & IORING_SETUP_DEFER_TASKRUN) != 0;
        EXPECT_EQ(defers, ring.mode() == ring_mode::deferred);
    }
}

TEST(ring_test, the_sizes_are_as_asked_for) {
    MAKE_RING(ring, ring_options{.submission_entries = 4, .completion_entries = 32});
    EXPECT_EQ(ring.get()->sq.ring_entries, 4U);
    EXPECT_EQ(ring.get()->cq.ring_entries, 32U);
}

TEST(ring_test, more_than_the_kernel_allows_is_clamped_and_not_refused) {
    MAKE_RING(ring, ring_options{.submission_entries = 1U << 20, .completion_entries = 1U << 21});
    EXPECT_LT(ring.get()->sq.ring_entries, 1U << 20);
}

TEST(ring_test, a_moved_ring_has_one_owner) {
    MAKE_RING(first, ring_options{});
    const int fd = first.get()->ring_fd;
    ring second(std::move(first));
    EXPECT_EQ(second.get()->ring_fd, fd);
    EXPECT_EQ(first.get()->ring_fd, -1);
}

TEST(ring_test, a_refusal_is_the_kernels_own_error) {
    for (const int error : {EPERM, ENOSYS, EACCES, ENOMEM}) {
        const int status = test::in_child([error] {
            if (!test::refuse_io_uring(error)) return 100;
            const auto made = ring::create(ring_options{});
            return made.has_value() ? 101 : made.error().value();
        });
        EXPECT_EQ(status, error);
    }
}

TEST(ring_test, a_ring_that_cannot_be_probed_is_refused) {
    MAKE_RING(probe, ring_options{});
    const int status = test::in_child([] {
        if (!test::refuse_system_call(__NR_io_uring_register, EPERM)) return 100;
        const auto made = ring::create(ring_options{});
        return made.has_value() ? 101 : made.error().value();
    });
    EXPECT_EQ(status, EOPNOTSUPP);
}

}  // namespace
}  // namespace mayhem::detail
