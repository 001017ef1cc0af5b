// The record of a message: its stages, recovery after a crash, failures, dead letters.
#include <gtest/gtest.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class record : public store_test {
  protected:
    record() { publish("id-1"); }

    /// The owner vanishes without a word; the next one pulls.
    delivery lose_owner_and_pull() {
        now_ += lease;
        return pull_one();
    }
};

TEST_F(record, straight_way_leaves_a_complete_history) {
    finish(pull_one());
    EXPECT_EQ(events_of("id-1"), "published pulled saved intent done acked");
    EXPECT_EQ(state_of("id-1"), message_state::acked);
}

TEST_F(record, ack_is_refused_before_the_restart_is_done) {
    const delivery mine = pull_one();
    EXPECT_THROW((void)store_->ack(mine.token, now_), rule_violation);
    EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
    EXPECT_THROW((void)store_->ack(mine.token, now_), rule_violation);
    EXPECT_EQ(state_of("id-1"), message_state::leased);
}

TEST_F(record, done_is_refused_without_intent_twice_or_with_the_same_boot_id) {
    const delivery mine = pull_one();
    EXPECT_THROW((void)store_->done(mine.token, "boot-2", now_), rule_violation);
    EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
    EXPECT_THROW((void)store_->done(mine.token, "boot-1", now_), rule_violation);
    EXPECT_EQ(store_->done(mine.token, "boot-2", now_), effect::applied);
    EXPECT_THROW((void)store_->done(mine.token, "boot-3", now_), rule_violation);
}

TEST_F(record, after_done_there_is_no_intent_and_no_failure) {
    const delivery mine = pull_one();
    EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
    EXPECT_THROW((void)store_->intend(mine.token, "boot-1", now_), rule_violation);
    EXPECT_EQ(store_->done(mine.token, "boot-2", now_), effect::applied);
    EXPECT_THROW((void)store_->intend(mine.token, "boot-2", now_), rule_violation);
    EXPECT_THROW((void)store_->fail(mine.token, "no", now_, now_), rule_violation);
}

TEST_F(record, save_is_remembered_and_may_be_repeated) {
    const delivery mine = pull_one();
    EXPECT_EQ(store_->save(mine.token, now_), effect::applied);
    EXPECT_EQ(store_->save(mine.token, now_ + 5), effect::applied);
    const delivery next = lose_owner_and_pull();
    EXPECT_TRUE(next.saved);
    EXPECT_EQ(next.reached, stage::fresh);
    EXPECT_EQ(store_->reader().history("id-1").status.saved_at, start);
}

TEST_F(record, intent_saves_what_nobody_had_saved) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    EXPECT_TRUE(lose_owner_and_pull().saved);
}

// --- Recovery
// -------------------------------------------------------------------------------------

TEST_F(record, crash_after_intent_tells_the_next_owner_the_boot_id) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    const delivery next = lose_owner_and_pull();
    EXPECT_EQ(next.reached, stage::intended);
    EXPECT_EQ(next.boot_id_before, "boot-1");
}

TEST_F(record, intent_with_the_same_boot_id_may_be_repeated_by_the_next_owner) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    finish(lose_owner_and_pull());  // it intends with boot-1
    EXPECT_EQ(events_of("id-1"), "published pulled saved intent expired pulled intent done acked");
}

TEST_F(record, second_restart_is_refused_when_the_boot_id_has_changed_since_the_intent) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    const delivery next = lose_owner_and_pull();
    EXPECT_THROW((void)store_->intend(next.token, "boot-2", now_), rule_violation);
    EXPECT_EQ(store_->done(next.token, "boot-2", now_), effect::applied);
    EXPECT_EQ(store_->ack(next.token, now_), effect::applied);
}

TEST_F(record, unresolved_intent_is_remembered_through_deliveries_that_reported_nothing) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    EXPECT_EQ(store_->nack(lose_owner_and_pull().token, now_, now_, "shutdown"), effect::applied);
    const delivery third = pull_one();
    EXPECT_EQ(third.reached, stage::intended);
    EXPECT_EQ(third.boot_id_before, "boot-1");
}

TEST_F(record, crash_after_done_leaves_only_the_ack) {
    const delivery mine = pull_one();
    EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
    EXPECT_EQ(store_->done(mine.token, "boot-2", now_), effect::applied);
    const delivery next = lose_owner_and_pull();
    EXPECT_EQ(next.reached, stage::done);
    EXPECT_EQ(next.boot_id_after, "boot-2");
    EXPECT_EQ(store_->ack(next.token, now_), effect::applied);
    EXPECT_EQ(store_->reader().summarize().restarted, 1);
}

TEST_F(record, failure_before_any_intent_leaves_the_message_fresh) {
    EXPECT_EQ(store_->fail(pull_one().token, "unreachable", now_, now_).failures, 1);
    const delivery next = pull_one();
    EXPECT_EQ(next.reached, stage::fresh);
    EXPECT_EQ(next_step_for(next, "boot-7"), next_step::restart);
    EXPECT_THROW((void)store_->done(next.token, "boot-8", now_), rule_violation);
}

TEST_F(record, next_step_follows_the_boot_id) {
    const auto step = [](stage reached, const std::optional<std::string>& boot_id_now) {
        delivery mine;
        mine.reached = reached;
        if (reached != stage::fresh) mine.boot_id_before = "boot-1";
        return next_step_for(mine, boot_id_now);
    };
    EXPECT_EQ(step(stage::fresh, "boot-1"), next_step::restart);
    EXPECT_EQ(step(stage::fresh, std::nullopt), next_step::restart);
    EXPECT_EQ(step(stage::intended, "boot-1"), next_step::restart);
    EXPECT_EQ(step(stage::intended, "boot-2"), next_step::verify);
    EXPECT_EQ(step(stage::intended, std::nullopt), next_step::verify);
    EXPECT_EQ(step(stage::failed, "boot-1"), next_step::restart);
    EXPECT_EQ(step(stage::failed, "boot-2"), next_step::verify);
    EXPECT_EQ(step(stage::failed, std::nullopt), next_step::restart);
    EXPECT_EQ(step(stage::done, std::nullopt), next_step::acknowledge);
}

TEST_F(record, failure_after_an_unresolved_intent_keeps_its_boot_id_and_allows_another_try) {
    EXPECT_EQ(store_->intend(pull_one().token, "boot-1", now_), effect::applied);
    EXPECT_EQ(store_->fail(lose_owner_and_pull().token, "unreachable", now_, now_).failures, 1);
    const delivery third = pull_one();
    EXPECT_EQ(third.reached, stage::failed);
    EXPECT_EQ(third.boot_id_before, "boot-1");
    EXPECT_EQ(store_->done(third.token, "boot-2", now_),
              effect::applied);  // it came back after all
    EXPECT_EQ(store_->ack(third.token, now_), effect::applied);
}

TEST_F(record, retry_after_a_failure_may_intend_with_another_boot_id) {
    const delivery first = pull_one();
    EXPECT_EQ(store_->intend(first.token, "boot-1", now_), effect::applied);
    EXPECT_EQ(store_->fail(first.token, "came back sick", now_, now_).failures, 1);
    const delivery second = pull_one();
    EXPECT_EQ(store_->intend(second.token, "boot-2", now_), effect::applied);
    EXPECT_EQ(store_->done(second.token, "boot-3", now_), effect::applied);
    EXPECT_EQ(store_->ack(second.token, now_), effect::applied);
}

// --- Failures and dead letters
// --------------------------------------------------------------------

TEST_F(record, fifth_failure_buries_the_message_and_frees_its_host) {
    publish("id-2");
    for (int n = 1; n <= 5; ++n) {
        const delivery mine = pull_one();
        ASSERT_EQ(mine.what.id, "id-1");
        EXPECT_EQ(mine.failures, n - 1);
        const failure result = store_->fail(mine.token, "no answer", now_, now_ + 100);
        EXPECT_EQ(result.took, effect::applied);
        EXPECT_EQ(result.failures, n);
        EXPECT_EQ(result.dead, n == 5);
        now_ += 99;
        EXPECT_EQ(store_->next_due(), n < 5 ? now_ + 1 : start) << "retried before its time";
        now_ += 1;
        reopen();  // the count is the database's
    }
    const auto dead = store_->reader().dead_letters();
    ASSERT_EQ(dead.size(), 1u);
    EXPECT_EQ(dead[0].what.id, "id-1");
    EXPECT_EQ(dead[0].failures, 5);
    EXPECT_EQ(dead[0].last_reason, "5 failures, the last one: no answer");
    EXPECT_EQ(pull_one().what.id, "id-2");
}

TEST_F(record, nack_is_not_a_failure_however_often_it_happens) {
    for (int n = 0; n < 50; ++n) {
        const delivery mine = pull_one();
        EXPECT_EQ(mine.failures, 0);
        EXPECT_EQ(mine.number, n + 1);
        EXPECT_EQ(store_->nack(mine.token, now_, now_, "shutdown"), effect::applied);
    }
    finish(pull_one());
}

TEST_F(record, owners_that_vanish_twenty_times_bury_the_message) {
    for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(pull_one().failures, 0);
        now_ += lease;
    }
    EXPECT_EQ(pull_count(), 0u);
    EXPECT_EQ(state_of("id-1"), message_state::dead);
    EXPECT_EQ(store_->reader().dead_letters().at(0).last_reason,
              "20 deliveries ended without a word from their owner");
}

TEST_F(record, backstop_acks_a_message_whose_restart_is_done) {
    const delivery mine = pull_one();
    EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
    EXPECT_EQ(store_->done(mine.token, "boot-2", now_), effect::applied);
    for (int n = 1; n < 20; ++n) EXPECT_EQ(lose_owner_and_pull().reached, stage::done);
    now_ += lease;
    EXPECT_EQ(pull_count(), 0u);
    EXPECT_EQ(state_of("id-1"), message_state::acked);
}

TEST_F(record, backstop_delivers_the_next_message_of_the_host_in_the_same_pull) {
    publish("id-2");
    for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(pull_one().what.id, "id-1");
        now_ += lease;
    }
    EXPECT_EQ(pull_one().what.id, "id-2");
}

TEST_F(record, requeue_starts_afresh_at_the_end_of_the_queue_and_keeps_the_history) {
    publish("id-2");
    for (int n = 0; n < 5; ++n) {
        const delivery mine = pull_one();
        EXPECT_EQ(store_->intend(mine.token, "boot-1", now_), effect::applied);
        EXPECT_EQ(store_->fail(mine.token, "no answer", now_, now_).took, effect::applied);
    }
    const delivery other = pull_one();
    store_->requeue("id-1", now_);
    EXPECT_EQ(state_of("id-1"), message_state::waiting);
    finish(other);
    const delivery again = pull_one();
    EXPECT_EQ(again.what.id, "id-1");
    EXPECT_EQ(again.number, 6);
    EXPECT_EQ(again.failures, 0);
    EXPECT_EQ(again.reached, stage::fresh);
    finish(again);
    EXPECT_TRUE(events_of("id-1").ends_with("failed dead requeued pulled intent done acked"))
        << events_of("id-1");
    EXPECT_EQ(store_->reader().summarize().dead_lettered, 0);
}

TEST_F(record, requeue_of_a_message_that_is_not_dead_is_refused) {
    EXPECT_THROW(store_->requeue("id-1", now_), lookup_error);
    EXPECT_THROW(store_->requeue("unknown", now_), lookup_error);
    EXPECT_EQ(state_of("id-1"), message_state::ready);
}

TEST_F(record, purge_forgets_old_acked_messages_only) {
    publish("id-2", "cattle-bbbb");
    finish(pull_one());
    now_ += 10;
    EXPECT_EQ(store_->purge(start), 0);
    EXPECT_EQ(store_->purge(now_), 1);
    EXPECT_THROW((void)store_->reader().find("id-1"), lookup_error);
    EXPECT_TRUE(publish("id-1"));
    EXPECT_EQ(state_of("id-2"), message_state::ready);
    EXPECT_EQ(store_->reader().summarize().lost, 0);
}

}  // namespace
}  // namespace mandrill::test
