// The life of a delivery: pulled, extended, reported on, settled. These are the rules of a message;
// schema.cpp has the constraints that back them up.
//
// Facts. A process may die between any two commits, and the restart happens between two of them
// (intent and done). Problem: after a crash there, did the host restart? Solution: the intent names
// the boot id that the host had. Whoever gets the message next compares: the same boot id means
// that nothing happened and a new intent is allowed; another one means that it did, and a new
// intent is refused. Trade-off: a host that somebody else rebooted in that window counts as
// restarted.
#include <fmt/format.h>

#include "mandrill/store/message_store.hpp"
#include "mandrill/store/situation.hpp"

namespace mandrill {

// --- Pulling
// --------------------------------------------------------------------------------------

std::vector<delivery> message_store::pull(std::size_t max, epoch_ms now, epoch_ms lease_ms) {
    if (lease_ms <= 0) throw rule_violation("a lease must be longer than 0 ms");
    std::vector<delivery> handed_out;
    sqlite::transaction all(db_);
    // Each round takes what is due off the list of the deliverable: by leasing it into the future,
    // or by settling it, which may bring the next one of its host forward. So the rounds come to an
    // end.
    while (handed_out.size() < max) {
        std::vector<message> due;
        {
            auto rows = db_.select(
                "SELECT seq, request_id, host, reason, owner, source, published_at FROM messages "
                "WHERE state IN ('ready', 'leased') AND visible_at <= ?1 "
                "ORDER BY visible_at, seq LIMIT ?2",
                now, max - handed_out.size());
            while (rows.next()) due.push_back(message_in(rows));
        }
        if (due.empty()) break;
        for (message& what : due) {
            db_.run(
                "UPDATE deliveries SET outcome = 'expired', ended_at = ?2 "
                "WHERE message = ?1 AND outcome IS NULL",
                what.seq, now);
            situation past = look_at(db_, what.seq);
            if (settle_without_delivery(what, past, now)) continue;
            handed_out.push_back(deliver(std::move(what), std::move(past), now, now + lease_ms));
        }
    }
    all.commit();
    return handed_out;
}

bool message_store::settle_without_delivery(const message& what, const situation& past,
                                            epoch_ms now) {
    if (past.expired < options_.expirations_max) return false;
    if (past.reached == stage::done) {
        // The restart is on record; its owners died on the way to the ack, which is all that is
        // left.
        make_acked(what.seq, what.host, now);
    } else {
        bury(what.seq, what.host, now,
             fmt::format("{} deliveries ended without a word from their owner", past.expired));
    }
    return true;
}

delivery message_store::deliver(message what, situation past, epoch_ms now, epoch_ms deadline) {
    delivery next;
    next.number = past.deliveries_ever + 1;
    next.deadline = deadline;
    next.failures = past.failures;
    next.reached = past.reached;
    next.boot_id_before = std::move(past.boot_id_before);
    next.boot_id_after = std::move(past.boot_id_after);
    next.saved =
        db_.value<epoch_ms>("SELECT saved_at FROM messages WHERE seq = ?1", what.seq).has_value();
    db_.run("INSERT INTO deliveries (message, number, delivered_at) VALUES (?1, ?2, ?3)", what.seq,
            next.number, now);
    next.token = db_.last_insert_id();
    db_.run("UPDATE messages SET state = 'leased', visible_at = ?2 WHERE seq = ?1", what.seq,
            deadline);
    next.what = std::move(what);
    return next;
}

std::optional<epoch_ms> message_store::next_due() {
    return db_.value<epoch_ms>(
        "SELECT visible_at FROM messages WHERE state IN ('ready', 'leased') "
        "ORDER BY visible_at, seq LIMIT 1");
}

int message_store::expire_leases(epoch_ms now) {
    sqlite::transaction all(db_);
    const int count = db_.run(
        "UPDATE messages SET visible_at = ?1 WHERE state = 'leased' AND visible_at > ?1", now);
    all.commit();
    return count;
}

// --- Leases
// ---------------------------------------------------------------------------------------

std::optional<message_store::owned> message_store::owner_of(lease_token token) {
    auto rows = db_.select(
        "SELECT m.seq, m.host FROM deliveries d JOIN messages m ON m.seq = d.message "
        "WHERE d.token = ?1 AND d.outcome IS NULL",
        token);
    if (!rows.next()) return std::nullopt;
    return owned{rows.get<std::int64_t>(0), rows.get<std::string>(1)};
}

effect message_store::extend(lease_token token, epoch_ms until) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    db_.run("UPDATE messages SET visible_at = max(visible_at, ?2) WHERE seq = ?1", mine->seq,
            until);
    db_.run("UPDATE deliveries SET extensions = extensions + 1 WHERE token = ?1", token);
    all.commit();
    return effect::applied;
}

effect message_store::ack(lease_token token, epoch_ms now) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    if (look_at(db_, mine->seq).reached != stage::done) {
        throw rule_violation("ack() before done(): the restart of " + mine->host +
                             " is not on record");
    }
    end_delivery(token, "acked", now, "");
    make_acked(mine->seq, mine->host, now);
    all.commit();
    return effect::applied;
}

effect message_store::nack(lease_token token, epoch_ms now, epoch_ms visible_at,
                           std::string_view reason) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    end_delivery(token, "nacked", now, reason);
    make_ready(mine->seq, visible_at);
    all.commit();
    return effect::applied;
}

// --- The record
// -----------------------------------------------------------------------------------

effect message_store::save(lease_token token, epoch_ms now) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    db_.run("UPDATE messages SET saved_at = coalesce(saved_at, ?2) WHERE seq = ?1", mine->seq, now);
    all.commit();
    return effect::applied;
}

effect message_store::intend(lease_token token, std::string_view boot_id_before, epoch_ms now) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    const situation past = look_at(db_, mine->seq);
    if (past.reached == stage::done) {
        throw rule_violation("intend() after done(): " + mine->host + " was already restarted");
    }
    if (past.reached == stage::intended && past.boot_id_before != boot_id_before) {
        throw rule_violation(fmt::format(
            "intend() with boot id {}, but an unresolved intent saw {}: {} was restarted since; "
            "verify it, then call done() or fail()",
            boot_id_before, past.boot_id_before, mine->host));
    }
    if (db_.run("UPDATE deliveries SET intended_at = ?2, boot_id_before = ?3 "
                "WHERE token = ?1 AND intended_at IS NULL",
                token, now, boot_id_before) != 1) {
        throw rule_violation("intend() twice in one delivery for " + mine->host);
    }
    // By construction nothing is restarted that is not on record as received.
    db_.run("UPDATE messages SET saved_at = coalesce(saved_at, ?2) WHERE seq = ?1", mine->seq, now);
    all.commit();
    return effect::applied;
}

effect message_store::done(lease_token token, std::string_view boot_id_after, epoch_ms now) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return effect::stale;
    const situation past = look_at(db_, mine->seq);
    if (past.reached == stage::done) {
        throw rule_violation("done() twice: " + mine->host + " was already restarted");
    }
    if (past.reached == stage::fresh) {
        throw rule_violation("done() without intend(): no restart of " + mine->host +
                             " was announced");
    }
    if (past.boot_id_before == boot_id_after) {
        throw rule_violation(
            fmt::format("done(), but {} still has boot id {}: it was not restarted", mine->host,
                        boot_id_after));
    }
    db_.run(
        "UPDATE deliveries SET done_at = ?2, boot_id_after = ?3, boot_id_before = ?4 "
        "WHERE token = ?1",
        token, now, boot_id_after, past.boot_id_before);
    all.commit();
    return effect::applied;
}

failure message_store::fail(lease_token token, std::string_view reason, epoch_ms now,
                            epoch_ms retry_at) {
    sqlite::transaction all(db_);
    const auto mine = owner_of(token);
    if (!mine) return {};
    const situation past = look_at(db_, mine->seq);
    if (past.reached == stage::done) {
        throw rule_violation("fail() after done(): " + mine->host + " was already restarted");
    }
    failure result{effect::applied, past.failures + 1, past.failures + 1 >= options_.failures_max};
    end_delivery(token, "failed", now, reason);
    if (result.dead) {
        bury(mine->seq, mine->host, now,
             fmt::format("{} failures, the last one: {}", result.failures, reason));
    } else {
        make_ready(mine->seq, retry_at);
    }
    all.commit();
    return result;
}

// --- Changes of state
// -----------------------------------------------------------------------------

void message_store::end_delivery(lease_token token, std::string_view outcome, epoch_ms now,
                                 std::string_view reason) {
    db_.run(
        "UPDATE deliveries SET outcome = ?2, ended_at = ?3, reason = nullif(?4, '') "
        "WHERE token = ?1",
        token, outcome, now, reason);
}

void message_store::make_ready(std::int64_t seq, epoch_ms visible_at) {
    db_.run("UPDATE messages SET state = 'ready', visible_at = ?2 WHERE seq = ?1", seq, visible_at);
}

void message_store::make_acked(std::int64_t seq, const std::string& host, epoch_ms now) {
    db_.run("UPDATE messages SET state = 'acked', settled_at = ?2 WHERE seq = ?1", seq, now);
    promote_next(host);
}

void message_store::bury(std::int64_t seq, const std::string& host, epoch_ms now,
                         const std::string& reason) {
    db_.run("UPDATE messages SET state = 'dead', settled_at = ?2 WHERE seq = ?1", seq, now);
    db_.run(
        "INSERT INTO dead_letters (message, last_token, buried_at, reason) SELECT ?1, max(token), "
        "?2, ?3 FROM deliveries WHERE message = ?1",
        seq, now, reason);
    promote_next(host);
}

}  // namespace mandrill
