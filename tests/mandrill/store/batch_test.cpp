// Group commit: one commit for many operations, and what a failing one does to its neighbours.
#include <functional>
#include <gtest/gtest.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

using operations = std::vector<std::move_only_function<void()>>;

class batch : public store_test {
  protected:
    auto publishing(const char* id, const char* host) {
        return [this, id, host] { publish(id, host); };
    }
};

TEST_F(batch, operations_run_in_order_and_see_each_other) {
    operations work;
    delivery mine;
    work.push_back(publishing("id-1", "cattle-aaaa"));
    work.push_back([&] { mine = pull_one(); });
    work.push_back([&] { finish(mine); });
    for (const std::exception_ptr& error : store_->batch(work)) EXPECT_EQ(error, nullptr);
    EXPECT_EQ(state_of("id-1"), message_state::acked);
}

TEST_F(batch, nothing_is_visible_to_others_before_the_commit) {
    message_reader other(file_);
    operations work;
    work.push_back(publishing("id-1", "cattle-aaaa"));
    work.push_back([&] {
        EXPECT_EQ(store_->reader().list().size(), 1u);
        EXPECT_EQ(other.list().size(), 0u);
    });
    store_->batch(work);
    EXPECT_EQ(other.list().size(), 1u);
}

TEST_F(batch, failed_operation_is_undone_alone_and_reported_in_its_place) {
    publish("id-0", "cattle-zzzz");
    const delivery mine = pull_one();
    operations work;
    work.push_back(publishing("id-1", "cattle-aaaa"));
    work.push_back([&] {
        publish("id-2", "cattle-bbbb");       // taken back with the rest of its operation
        (void)store_->ack(mine.token, now_);  // a rule: not done yet
    });
    work.push_back(publishing("", "cattle-cccc"));  // a constraint of the schema
    work.push_back(publishing("id-3", "cattle-dddd"));
    const auto errors = store_->batch(work);
    ASSERT_EQ(errors.size(), 4u);
    EXPECT_EQ(errors[0], nullptr);
    EXPECT_THROW(std::rethrow_exception(errors[1]), rule_violation);
    EXPECT_THROW(std::rethrow_exception(errors[2]), store_error);
    EXPECT_EQ(errors[3], nullptr);
    reopen();
    EXPECT_EQ(state_of("id-1"), message_state::ready);
    EXPECT_EQ(state_of("id-3"), message_state::ready);
    EXPECT_THROW((void)store_->reader().find("id-2"), lookup_error);
}

TEST_F(batch, empty_batch_is_fine) { EXPECT_TRUE(store_->batch({}).empty()); }

TEST_F(batch, five_thousand_messages_in_groups_leave_balanced_books) {
    constexpr int messages = 5'000;
    constexpr int hosts = 100;
    constexpr std::size_t group = 64;
    std::vector<request> wishes;
    for (int i = 0; i < messages; ++i) {
        wishes.emplace_back("id-" + std::to_string(i), "cattle-" + std::to_string(i % hosts));
    }
    EXPECT_EQ(store_->publish(wishes, now_).inserted, messages);

    // As the service does: what is queued becomes one commit per stage of the deliveries in flight.
    int acked = 0;
    for (auto mine = store_->pull(group, now_, lease); !mine.empty();
         mine = store_->pull(group, now_, lease)) {
        operations starts;
        operations ends;
        for (const delivery& each : mine) {
            starts.push_back([&] {
                (void)store_->save(each.token, now_);
                (void)store_->intend(each.token, "boot-1", now_);
            });
            ends.push_back([&] {
                (void)store_->done(each.token, "boot-2", now_);
                acked += store_->ack(each.token, now_) == effect::applied ? 1 : 0;
            });
        }
        for (const auto& error : store_->batch(starts)) ASSERT_EQ(error, nullptr);
        for (const auto& error : store_->batch(ends)) ASSERT_EQ(error, nullptr);
        ++now_;
    }
    EXPECT_EQ(acked, messages);
    const summary sum = store_->reader().summarize();
    EXPECT_EQ(sum.restarted, messages);
    EXPECT_EQ(sum.outstanding, 0);
    EXPECT_EQ(sum.lost, 0);
}

}  // namespace
}  // namespace mandrill::test
