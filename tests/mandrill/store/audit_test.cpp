// The audit must find what the schema normally prevents; so these tests take the constraints away
// on a second connection and damage the rows by hand. And the schema itself must refuse the same
// damage.
#include <gtest/gtest.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class audit : public store_test {
  protected:
    audit() {
        publish("id-1", "cattle-aaaa");
        publish("id-2", "cattle-aaaa");
        publish("id-3", "cattle-bbbb");
    }

    /// Changes rows with the triggers and unique indexes gone. Afterwards the books do not balance.
    void damage(const std::string& sql) {
        audit_disabled_ = true;
        auto db = open_behind_its_back();
        std::string script = "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;";
        auto rows = db.select(
            "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('trigger', "
            "'index')");
        while (rows.next()) {
            script += "DROP " + rows.get<std::string>(0) + " " + rows.get<std::string>(1) + ";";
        }
        {
            auto ended = std::move(rows);
        }
        db.execute(script + sql);
    }
    std::string problems_of(const std::string& id) {
        std::string text;
        for (const problem& each : store_->reader().problems()) {
            if (each.id == id) text += each.what + "; ";
        }
        return text;
    }
    std::int64_t lost() { return store_->reader().summarize().lost; }
};

TEST_F(audit, healthy_messages_are_not_lost_in_any_state) {
    finish(pull_one());
    pull_one();
    EXPECT_EQ(lost(), 0);
    EXPECT_TRUE(store_->reader().problems().empty());
}

TEST_F(audit, finds_a_missing_row) {
    damage("DELETE FROM messages WHERE request_id = 'id-3'");
    EXPECT_EQ(lost(), 1);
    EXPECT_EQ(problems_of(""), "1 published messages have no row in the database; ");
}

TEST_F(audit, finds_an_ack_without_a_restart) {
    damage("UPDATE messages SET state = 'acked', saved_at = 1 WHERE request_id = 'id-3'");
    EXPECT_EQ(lost(), 1);
    EXPECT_EQ(problems_of("id-3"), "it was acked without a restart on record; ");
}

TEST_F(audit, finds_a_message_that_waits_behind_nobody) {
    damage("UPDATE messages SET state = 'waiting' WHERE request_id = 'id-1'");
    EXPECT_EQ(lost(), 2);
    EXPECT_NE(problems_of("id-2").find("waits behind nobody"), std::string::npos);
}

TEST_F(audit, finds_two_heads_of_one_host) {
    damage("UPDATE messages SET state = 'ready' WHERE request_id = 'id-2'");
    EXPECT_EQ(lost(), 2);
}

TEST_F(audit, finds_a_lease_without_delivery_and_a_delivery_without_lease) {
    pull_one();
    damage(
        "UPDATE messages SET state = 'ready' WHERE request_id = 'id-1';"
        "UPDATE messages SET state = 'leased' WHERE request_id = 'id-3';");
    EXPECT_EQ(problems_of("id-1"), "it is not leased, but has an open delivery; ");
    EXPECT_EQ(problems_of("id-3"), "it is leased, but does not have exactly one open delivery; ");
    EXPECT_EQ(lost(), 2);
}

TEST_F(audit, finds_two_restarts_for_one_message) {
    finish(pull_one());
    damage(
        "INSERT INTO deliveries (message, number, delivered_at, intended_at, boot_id_before, "
        "done_at, boot_id_after, ended_at, outcome) VALUES (1, 2, 1, 1, 'b2', 1, 'b3', 1, "
        "'acked')");
    EXPECT_EQ(problems_of("id-1"), "its host was restarted more than once for it; ");
    EXPECT_EQ(lost(), 1);
}

TEST_F(audit, finds_a_restart_that_nobody_announced) {
    finish(pull_one());
    damage("UPDATE deliveries SET intended_at = NULL");
    EXPECT_EQ(problems_of("id-1"), "a restart is recorded as done that nobody had announced; ");
}

TEST_F(audit, finds_a_dead_message_outside_the_dead_letters_and_the_reverse) {
    damage(
        "UPDATE messages SET state = 'dead' WHERE request_id = 'id-3';"
        "INSERT INTO dead_letters (message, last_token, buried_at, reason) VALUES (1, 1, 1, '')");
    EXPECT_EQ(problems_of("id-3"), "it is dead, but not exactly once in the dead letters; ");
    EXPECT_EQ(problems_of("id-1"), "it is in the dead letters, but not dead; ");
    EXPECT_EQ(lost(), 2);
}

TEST_F(audit, finds_a_state_that_does_not_exist) {
    damage("UPDATE messages SET state = 'asleep' WHERE request_id = 'id-3'");
    EXPECT_EQ(problems_of("id-3"), "its state is none that exists; ");
}

TEST_F(audit, schema_refuses_the_same_damage) {
    publish("id-4", "cattle-bbbb");    // waits behind id-3
    finish(pull_one());                // message 1 is acked, delivery 1 is settled
    const delivery open = pull_one();  // message 3 or 2 is leased
    auto db = open_behind_its_back();
    db.execute("PRAGMA foreign_keys = ON");
    const std::string leased = std::to_string(open.what.seq);
    const std::vector<std::string> attempts{
        "UPDATE messages SET state = 'ready', settled_at = NULL WHERE seq = 1",
        "UPDATE messages SET state = 'acked', saved_at = 1, settled_at = 1 WHERE seq = " + leased,
        "UPDATE messages SET state = 'asleep' WHERE seq = " + leased,
        "UPDATE messages SET state = 'ready' WHERE state = 'waiting'",
        "UPDATE messages SET state = 'dead', settled_at = NULL WHERE seq = " + leased,
        "UPDATE deliveries SET done_at = 1, boot_id_after = 'x' WHERE token = 1",
        "UPDATE deliveries SET extensions = 9 WHERE token = 1",
        "UPDATE deliveries SET done_at = 1, boot_id_after = 'x' WHERE outcome IS NULL",
        "UPDATE deliveries SET boot_id_before = 'w', done_at = 1, boot_id_after = 'x' "
        "WHERE outcome IS NULL",
        "UPDATE deliveries SET intended_at = 1, boot_id_before = 'x', done_at = 1, "
        "boot_id_after = 'x' WHERE outcome IS NULL",
        "UPDATE deliveries SET outcome = 'failed' WHERE outcome IS NULL",
        "INSERT INTO deliveries (message, number, delivered_at) VALUES (" + leased + ", 2, 1)",
        "INSERT INTO deliveries (message, number, delivered_at) VALUES (999, 1, 1)",
        "INSERT INTO deliveries (message, number, delivered_at, boot_id_before, done_at, "
        "boot_id_after, ended_at, outcome) VALUES (1, 2, 1, 'a', 1, 'b', 1, 'acked')",
        "INSERT INTO messages (request_id, host, reason, owner, source, published_at, state, "
        "position, visible_at, settled_at) VALUES ('x', 'y', '', '', 'random', 1, 'dead', 1, 1, 1)",
    };
    for (const std::string& sql : attempts) {
        try {
            db.execute(sql);
            ADD_FAILURE() << "accepted: " << sql;
        } catch (const store_error& error) {
            EXPECT_EQ(error.fault(), store_fault::constraint) << error.what();
        }
    }
}

TEST_F(audit, summary_counts_what_happened_and_survives_a_restart) {
    const delivery first = pull_one();  // id-1
    EXPECT_EQ(store_->extend(first.token, now_ + 13'000), effect::applied);
    EXPECT_EQ(store_->fail(first.token, "no", now_, now_).failures, 1);
    EXPECT_EQ(store_->nack(pull_one().token, now_, now_ + 1, "full"), effect::applied);  // id-1
    finish(pull_one());                                                                  // id-3
    now_ += 1;
    finish(pull_one());  // id-1
    for (int n = 0; n < 5; ++n) {
        EXPECT_EQ(store_->fail(pull_one().token, "no", now_, now_).took, effect::applied);  // id-2
    }
    reopen();
    const summary sum = store_->reader().summarize();
    EXPECT_EQ(sum.published, 3);
    EXPECT_EQ(sum.received, 3);
    EXPECT_EQ(sum.saved, 2);
    EXPECT_EQ(sum.restarted, 2);
    EXPECT_EQ(sum.extended, 1);
    EXPECT_EQ(sum.acked, 2);
    EXPECT_EQ(sum.failed, 6);
    EXPECT_EQ(sum.nacked, 6);  // 1 nack, 1 failure of id-1, 4 of id-2: the fifth buried it instead
    EXPECT_EQ(sum.retried, 6);
    EXPECT_EQ(sum.expired, 0);
    EXPECT_EQ(sum.dead_lettered, 1);
    EXPECT_EQ(sum.outstanding, 0);
    EXPECT_EQ(sum.lost, 0);
}

TEST_F(audit, summary_since_a_time_leaves_out_what_was_before) {
    finish(pull_one());
    now_ += 1'000;
    publish("id-4", "cattle-cccc");
    finish(pull_one());
    const summary sum = store_->reader().summarize(now_);
    EXPECT_EQ(sum.published, 1);
    EXPECT_EQ(sum.received, 1);
    EXPECT_EQ(sum.acked, 1);
    EXPECT_EQ(sum.outstanding, 2);  // now, whenever they were published
}

}  // namespace
}  // namespace mandrill::test
