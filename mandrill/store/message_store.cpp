// Opening, publishing, group commit and housekeeping. The life of a delivery is in deliveries.cpp.
#include "mandrill/store/message_store.hpp"

#include <fmt/format.h>

#include "mandrill/store/schema.hpp"

namespace mandrill {

namespace {

void prepare(sqlite::database& db, const store_options& options) {
    // The first statement reads the file: what is not a database is found out here.
    const auto mode = db.value<std::string>("PRAGMA journal_mode");
    if (options.check_on_open) {
        const auto verdict = db.value<std::string>("PRAGMA quick_check(1)");
        if (verdict != "ok") {
            throw store_error(store_fault::corrupt, db.path(), verdict.value_or("no verdict"));
        }
    }
    migrate(db);
    if (mode != "wal" && db.value<std::string>("PRAGMA journal_mode = WAL") != "wal") {
        throw store_error(store_fault::input_output, db.path(),
                          "the file system does not support a write-ahead log");
    }
    db.execute(options.sync_every_commit ? "PRAGMA synchronous = FULL"
                                         : "PRAGMA synchronous = NORMAL");
    db.execute("PRAGMA foreign_keys = ON");
    if (options.pages_max > 0) {
        db.execute(fmt::format("PRAGMA max_page_count = {}", options.pages_max));
    }
}

}  // namespace

message_store::message_store(const store_options& options)
    : options_(options),
      lock_(options.path),
      db_(options.path, sqlite::database::mode::read_write, options.busy_timeout_ms),
      reader_(db_) {
    prepare(db_, options_);
}

// --- Publishing
// -----------------------------------------------------------------------------------

bool message_store::publish(const request& wish, epoch_ms now) {
    return publish(std::span(&wish, 1), now).inserted == 1;
}

publish_counts message_store::publish(std::span<const request> wishes, epoch_ms now) {
    publish_counts counts;
    sqlite::transaction all(db_);
    for (const request& wish : wishes) {
        ++(insert(wish, now) ? counts.inserted : counts.duplicates);
    }
    all.commit();
    return counts;
}

bool message_store::insert(const request& wish, epoch_ms now) {
    // Asked first instead of INSERT OR IGNORE, which would use up a number of the sequence: that
    // the numbers have no gaps is how the audit notices a missing row.
    if (db_.value<int>("SELECT 1 FROM messages WHERE request_id = ?1 AND host = ?2", wish.id,
                       wish.host)) {
        return false;
    }
    const std::string_view state = has_head(wish.host) ? "waiting" : "ready";
    db_.run(
        "INSERT INTO messages (request_id, host, reason, owner, source, published_at, state, "
        "position, visible_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6)",
        wish.id, wish.host, wish.reason, wish.owner, to_string(wish.source), now, state,
        last_position(wish.host) + 1);
    return true;
}

bool message_store::has_head(const std::string& host) {
    return db_
        .value<int>("SELECT 1 FROM messages WHERE host = ?1 AND state IN ('ready', 'leased')", host)
        .has_value();
}

std::int64_t message_store::last_position(const std::string& host) {
    return db_.value<std::int64_t>("SELECT max(position) FROM messages WHERE host = ?1", host)
        .value_or(0);
}

void message_store::promote_next(const std::string& host) {
    db_.run(
        "UPDATE messages SET state = 'ready' WHERE seq = (SELECT seq FROM messages "
        "WHERE host = ?1 AND state = 'waiting' ORDER BY position LIMIT 1)",
        host);
}

// --- Housekeeping
// ---------------------------------------------------------------------------------

void message_store::requeue(std::string_view id, epoch_ms now) {
    sqlite::transaction all(db_);
    const message what = reader_.find(id);
    if (db_.run(
            "UPDATE dead_letters SET requeued_at = ?2 WHERE message = ?1 AND requeued_at IS NULL",
            what.seq, now) != 1) {
        throw lookup_error(fmt::format("{} of {} is not in the dead letters", what.id, what.host));
    }
    // To the end of the queue: a message of this host may be under way, and must stay its head.
    const std::string_view state = has_head(what.host) ? "waiting" : "ready";
    db_.run(
        "UPDATE messages SET state = ?2, position = ?3, visible_at = ?4, settled_at = NULL "
        "WHERE seq = ?1",
        what.seq, state, last_position(what.host) + 1, now);
    all.commit();
}

int message_store::purge(epoch_ms before) {
    sqlite::transaction all(db_);
    const int count =
        db_.run("DELETE FROM messages WHERE state = 'acked' AND settled_at < ?1", before);
    db_.run("UPDATE counters SET value = value + ?1 WHERE name = 'purged'", count);
    all.commit();
    return count;
}

// --- Group commit
// ---------------------------------------------------------------------------------

std::vector<std::exception_ptr> message_store::batch(
    std::span<std::move_only_function<void()>> operations) {
    std::vector<std::exception_ptr> errors(operations.size());
    sqlite::transaction group(db_);
    for (std::size_t i = 0; i < operations.size(); ++i) {
        try {
            sqlite::transaction part(db_);
            operations[i]();
            part.commit();
        } catch (...) {
            // An error that made SQLite give up the whole transaction has undone the neighbours
            // too, so it is not this operation's alone: everybody in the batch must hear of it.
            if (!db_.in_transaction()) throw;
            errors[i] = std::current_exception();
        }
    }
    group.commit();
    return errors;
}

}  // namespace mandrill
