// One writer per database: who is refused, with which words, and when the lock is free again.
#include "mandrill/store/writer_lock.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#include "tests/mandrill/store/child_process.hpp"
#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class writer : public ::testing::Test {
  protected:
    std::string refusal(const std::filesystem::path& file) {
        try {
            message_store second{store_options(file)};
        } catch (const store_error& error) {
            EXPECT_EQ(error.fault(), store_fault::held_by_writer);
            return error.what();
        }
        return "accepted";
    }

    scratch_folder folder_;
    std::filesystem::path file_ = folder_ / "mandrill.db";
};

TEST_F(writer, second_one_is_refused_and_told_who_the_first_is) {
    const message_store first{store_options(file_)};
    const std::string text = refusal(file_);
    EXPECT_NE(text.find("process " + std::to_string(::getpid()) + " is already writing"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("Remedy: stop the other process"), std::string::npos) << text;
}

TEST_F(writer, another_process_is_refused_too) {
    const message_store first{store_options(file_)};
    child_process child([&](const child_process::report& step) {
        if (refusal(file_) != "accepted") step();
    });
    EXPECT_TRUE(child.wait_for_steps(1));
    EXPECT_EQ(child.wait(), 0);
}

TEST_F(writer, another_path_to_the_same_file_is_the_same_lock) {
    const message_store first{store_options(file_)};
    std::filesystem::create_symlink(file_, folder_ / "alias.db");
    EXPECT_NE(refusal(folder_ / "alias.db"), "accepted");
    EXPECT_NE(refusal(folder_ / "./mandrill.db"), "accepted");
}

TEST_F(writer, lock_ends_with_the_store) {
    {
        const message_store first{store_options(file_)};
    }
    EXPECT_EQ(refusal(file_), "accepted");
}

TEST_F(writer, lock_ends_when_its_holder_is_killed) {
    child_process child([&](const child_process::report& step) {
        const message_store first{store_options(file_)};
        step();
        for (;;) ::pause();
    });
    ASSERT_TRUE(child.wait_for_steps(1));
    EXPECT_NE(refusal(file_), "accepted");
    child.kill();
    EXPECT_TRUE(child_process::killed(child.wait()));
    EXPECT_EQ(refusal(file_), "accepted");
}

TEST_F(writer, readers_need_no_lock) {
    message_store first{store_options(file_)};
    first.publish(request("id-1", "cattle-aaaa"), start);
    message_reader one(file_);
    message_reader two(file_);
    EXPECT_EQ(one.list().size(), 1u);
    EXPECT_EQ(two.list().size(), 1u);
}

}  // namespace
}  // namespace mandrill::test
