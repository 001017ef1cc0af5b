// A host runs once: the lock that sees to it, across processes and after kill -9.
#include "mandrill/fleet/host_lock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/mandrill/store/child_process.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mandrill {
namespace {

using test::child_process;

/// A process that holds the lock until it is killed, and has it once one step is reported.
void hold(const std::filesystem::path& file, const child_process::report& report) {
    const auto held = host_lock::try_acquire(file);
    if (held) report();
    for (;;) ::pause();
}

class host_lock_test : public ::testing::Test {
  protected:
    mayhem::test::scratch_folder folder_;
    std::filesystem::path file_ = host_lock_file(folder_ / "ledger", "cattle-aaaa");
};

TEST_F(host_lock_test, the_file_is_beside_the_ledger) {
    EXPECT_EQ(file_, folder_ / "cattle-aaaa.lock");
}

TEST_F(host_lock_test, a_host_that_never_booted_has_no_holder) {
    EXPECT_FALSE(host_lock::holder(file_));
}

TEST_F(host_lock_test, a_second_process_is_refused_and_learns_who_runs) {
    child_process other([&](const auto& report) { hold(file_, report); });
    ASSERT_TRUE(other.wait_for_steps(1));
    EXPECT_FALSE(host_lock::try_acquire(file_));
    const auto holder = host_lock::holder(file_);
    ASSERT_TRUE(holder);
    EXPECT_GT(*holder, 0);
    EXPECT_NE(*holder, ::getpid());
}

TEST_F(host_lock_test, a_killed_holder_lets_go) {
    child_process other([&](const auto& report) { hold(file_, report); });
    ASSERT_TRUE(other.wait_for_steps(1));
    other.kill();
    other.wait();
    EXPECT_FALSE(host_lock::holder(file_));
    EXPECT_TRUE(host_lock::try_acquire(file_));
}

TEST_F(host_lock_test, asking_for_the_holder_takes_nothing_from_it) {
    child_process other([&](const auto& report) { hold(file_, report); });
    ASSERT_TRUE(other.wait_for_steps(1));
    EXPECT_TRUE(host_lock::holder(file_));
    EXPECT_TRUE(host_lock::holder(file_));
}

TEST_F(host_lock_test, a_folder_that_does_not_exist_is_an_error) {
    EXPECT_THROW((void)host_lock::try_acquire(folder_ / "missing" / "a.lock"), std::system_error);
}

}  // namespace
}  // namespace mandrill
