// The broker: publishing, order, leases, tokens.
#include <gtest/gtest.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

using broker = store_test;

TEST_F(broker, message_prints_itself_by_instance_name) {
    store_->publish(request("id-1", "cattle-zpsk"), now_);
    const delivery mine = pull_one();
    EXPECT_EQ(to_string(mine.what), "Message(inst_name='cattle-zpsk')");
    EXPECT_EQ(hostname(mine.what), "cattle-zpsk.example.net");
}

TEST_F(broker, delivery_carries_the_whole_request) {
    store_->publish(request("id-1", "cattle-zpsk", "new kernel", "ann", origin::standard_input),
                    77);
    const delivery mine = pull_one();
    EXPECT_EQ(mine.what.seq, 1);
    EXPECT_EQ(mine.what.id, "id-1");
    EXPECT_EQ(mine.what.reason, "new kernel");
    EXPECT_EQ(mine.what.owner, "ann");
    EXPECT_EQ(mine.what.source, origin::standard_input);
    EXPECT_EQ(mine.what.published_at, 77);
    EXPECT_EQ(mine.number, 1);
    EXPECT_EQ(mine.deadline, now_ + lease);
    EXPECT_EQ(mine.failures, 0);
    EXPECT_EQ(mine.reached, stage::fresh);
    EXPECT_FALSE(mine.saved);
}

TEST_F(broker, same_request_for_same_host_is_accepted_once_for_ever) {
    EXPECT_TRUE(publish("id-1", "cattle-aaaa"));
    EXPECT_FALSE(publish("id-1", "cattle-aaaa"));
    EXPECT_TRUE(publish("id-1", "cattle-bbbb"));
    finish(pull_one());
    EXPECT_FALSE(publish("id-1", "cattle-aaaa"));
    reopen();
    EXPECT_FALSE(publish("id-1", "cattle-aaaa"));
}

TEST_F(broker, batch_of_requests_counts_inserted_and_duplicates) {
    const std::vector<request> wishes{
        {"id-1", "cattle-aaaa"}, {"id-2", "cattle-bbbb"}, {"id-1", "cattle-aaaa"}};
    const publish_counts counts = store_->publish(wishes, now_);
    EXPECT_EQ(counts.inserted, 2);
    EXPECT_EQ(counts.duplicates, 1);
    EXPECT_EQ(store_->reader().summarize().published, 2);
}

TEST_F(broker, batch_with_an_unacceptable_request_publishes_nothing) {
    const std::vector<request> wishes{{"id-1", "cattle-aaaa"}, {"", "cattle-bbbb"}};
    try {
        store_->publish(wishes, now_);
        FAIL() << "an empty id was accepted";
    } catch (const store_error& error) {
        EXPECT_EQ(error.fault(), store_fault::constraint);
    }
    EXPECT_EQ(pull_count(), 0u);
}

TEST_F(broker, pulls_no_more_than_asked_and_oldest_first) {
    now_ = start;
    publish("id-1", "cattle-aaaa");
    now_ += 1;
    publish("id-2", "cattle-bbbb");
    publish("id-3", "cattle-cccc");
    const auto got = store_->pull(2, now_, lease);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].what.id, "id-1");
    EXPECT_EQ(got[1].what.id, "id-2");
    EXPECT_EQ(store_->pull(0, now_, lease).size(), 0u);
    EXPECT_EQ(pull_count(), 1u);
}

TEST_F(broker, one_host_has_one_outstanding_delivery_in_order_of_publishing) {
    publish("id-1");
    publish("id-2");
    publish("id-3");
    publish("other", "cattle-bbbb");
    const auto got = store_->pull(10, now_, lease);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].what.id, "id-1");
    EXPECT_EQ(got[1].what.id, "other");
    EXPECT_EQ(pull_count(), 0u);
    for (const char* next : {"id-2", "id-3"}) {
        finish(next == std::string("id-2") ? got[0] : store_->pull(1, now_, lease).at(0));
        EXPECT_EQ(state_of(next), message_state::ready);
    }
    EXPECT_EQ(pull_one().what.id, "id-3");
}

TEST_F(broker, message_that_waits_for_its_retry_holds_back_its_own_host_only) {
    publish("id-1");
    publish("id-2");
    publish("other", "cattle-bbbb");
    EXPECT_EQ(store_->nack(pull_one().token, now_, now_ + 500, "later"), effect::applied);
    EXPECT_EQ(pull_one().what.id, "other");
    now_ += 499;
    EXPECT_EQ(pull_count(), 0u);
    now_ += 1;
    EXPECT_EQ(pull_one().what.id, "id-1");
}

TEST_F(broker, lease_that_runs_out_is_redelivered_with_a_larger_token) {
    publish("id-1");
    const delivery first = pull_one();
    now_ = first.deadline - 1;
    EXPECT_EQ(pull_count(), 0u);
    now_ = first.deadline;
    const delivery second = pull_one();
    EXPECT_EQ(second.what.id, "id-1");
    EXPECT_EQ(second.number, 2);
    EXPECT_GT(second.token, first.token);
    EXPECT_EQ(second.failures, 0);
}

TEST_F(broker, superseded_token_changes_nothing_whatever_it_reports) {
    publish("id-1");
    const lease_token old = pull_one().token;
    now_ += lease;
    const delivery current = pull_one();

    EXPECT_EQ(store_->extend(old, now_ + 99'000), effect::stale);
    EXPECT_EQ(store_->save(old, now_), effect::stale);
    EXPECT_EQ(store_->intend(old, "boot-1", now_), effect::stale);
    EXPECT_EQ(store_->done(old, "boot-2", now_), effect::stale);
    EXPECT_EQ(store_->ack(old, now_), effect::stale);
    EXPECT_EQ(store_->nack(old, now_, now_, "stale"), effect::stale);
    const failure failed = store_->fail(old, "stale", now_, now_);
    EXPECT_EQ(failed.took, effect::stale);
    EXPECT_EQ(failed.failures, 0);

    EXPECT_EQ(events_of("id-1"), "published pulled expired pulled");
    EXPECT_EQ(store_->next_due(), current.deadline);
    finish(current);
}

TEST_F(broker, settled_token_is_stale_and_so_is_one_that_never_was) {
    publish("id-1");
    const delivery mine = pull_one();
    finish(mine);
    EXPECT_EQ(store_->ack(mine.token, now_), effect::stale);
    EXPECT_EQ(store_->nack(mine.token, now_, now_, ""), effect::stale);
    EXPECT_EQ(store_->ack(4711, now_), effect::stale);
    EXPECT_EQ(state_of("id-1"), message_state::acked);
}

TEST_F(broker, late_owner_that_nobody_has_superseded_is_still_the_owner) {
    publish("id-1");
    const delivery mine = pull_one();
    now_ = mine.deadline + 5'000;
    finish(mine);
    EXPECT_EQ(pull_count(), 0u);
}

TEST_F(broker, extension_moves_the_deadline_and_never_back) {
    publish("id-1");
    const delivery mine = pull_one();
    EXPECT_EQ(store_->extend(mine.token, mine.deadline + 3'000), effect::applied);
    EXPECT_EQ(store_->next_due(), mine.deadline + 3'000);
    EXPECT_EQ(store_->extend(mine.token, now_), effect::applied);
    EXPECT_EQ(store_->next_due(), mine.deadline + 3'000);
    now_ = mine.deadline;
    EXPECT_EQ(pull_count(), 0u);
    now_ += 3'000;
    EXPECT_EQ(pull_one().number, 2);
    reopen();
    EXPECT_EQ(store_->reader().summarize().extended, 2);
}

TEST_F(broker, next_due_is_the_earliest_of_retries_and_deadlines) {
    EXPECT_EQ(store_->next_due(), std::nullopt);
    publish("id-1", "cattle-aaaa");
    publish("id-2", "cattle-bbbb");
    EXPECT_EQ(store_->next_due(), now_);
    const auto got = store_->pull(2, now_, lease);
    EXPECT_EQ(store_->next_due(), now_ + lease);
    EXPECT_EQ(store_->nack(got.at(1).token, now_, now_ + 200, ""), effect::applied);
    EXPECT_EQ(store_->next_due(), now_ + 200);
}

TEST_F(broker, new_owner_of_the_file_need_not_wait_for_the_old_ones_leases) {
    publish("id-1");
    const delivery before = pull_one();
    reopen();
    EXPECT_EQ(pull_count(), 0u);
    EXPECT_EQ(store_->expire_leases(now_), 1);
    const delivery after = pull_one();
    EXPECT_EQ(after.number, 2);
    EXPECT_EQ(store_->ack(before.token, now_), effect::stale);
    EXPECT_EQ(store_->expire_leases(now_ + lease), 0);
}

TEST_F(broker, tokens_grow_across_messages_restarts_and_purges) {
    publish("id-1");
    const delivery first = pull_one();
    finish(first);
    EXPECT_EQ(store_->purge(now_ + 1), 1);
    reopen();
    publish("id-2");
    EXPECT_GT(pull_one().token, first.token);
}

TEST_F(broker, lease_of_no_length_is_refused) {
    EXPECT_THROW((void)store_->pull(1, now_, 0), rule_violation);
}

}  // namespace
}  // namespace mandrill::test
