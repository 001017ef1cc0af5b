// What the tests of the store share: a folder that goes away, a store in it, and short words for
// the steps of a message. Time is a number that the test moves; nothing here sleeps or reads a
// clock.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "mandrill/store/message_store.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mandrill::test {

using mayhem::test::scratch_folder;

inline constexpr epoch_ms start = 1'000'000;
inline constexpr epoch_ms lease = 10'000;

class store_test : public ::testing::Test {
  protected:
    store_test() { store_.emplace(store_options(file_)); }

    void TearDown() override {
        // Whatever a test did through the public functions, the books must balance.
        if (!store_ || audit_disabled_) return;
        for (const problem& each : store_->reader().problems()) {
            ADD_FAILURE() << "message " << each.seq << " (" << each.id << "): " << each.what;
        }
    }

    void reopen() {
        store_.reset();
        store_.emplace(store_options(file_));
    }
    /// A second connection for looking and for breaking things behind the store's back.
    [[nodiscard]] sqlite::database open_behind_its_back() const {
        return sqlite::database(file_, sqlite::database::mode::read_write, 1000);
    }

    bool publish(const char* id, const char* host = "cattle-aaaa") {
        return store_->publish(request(id, host), now_);
    }
    /// Pulls exactly one delivery; fails the test if there is none.
    delivery pull_one() {
        std::vector<delivery> got = store_->pull(1, now_, lease);
        if (got.empty()) throw std::runtime_error("nothing to pull");
        return got.front();
    }
    std::size_t pull_count(std::size_t max = 100) { return store_->pull(max, now_, lease).size(); }
    /// Restart and acknowledge: the straight way of a message.
    void finish(const delivery& mine) {
        EXPECT_EQ(store_->save(mine.token, now_), effect::applied);
        EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
        EXPECT_EQ(store_->done(mine.token, "boot-2", now_), effect::applied);
        EXPECT_EQ(store_->ack(mine.token, now_), effect::applied);
    }
    message_state state_of(const char* id) { return store_->reader().history(id).status.state; }
    /// `published pulled saved intent ...`
    std::string events_of(const char* id) {
        std::string line;
        for (const history_event& event : store_->reader().history(id).events) {
            line += (line.empty() ? "" : " ") + event.what;
        }
        return line;
    }

    scratch_folder folder_;
    std::filesystem::path file_ = folder_ / "mandrill.db";
    std::optional<message_store> store_;
    epoch_ms now_ = start;
    bool audit_disabled_ = false;
};

}  // namespace mandrill::test
