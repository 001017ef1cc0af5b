// The audit: what happened, and whether anything is lost.
//
// "Lost" is computed from the rows, not from what the code believes. A published message is
// accounted for if it is in exactly one of these states, and nothing contradicts it:
//
//     waiting   no open delivery; its host has a ready or leased message ahead of it in the queue
//     ready     no open delivery; no other message of its host is ready or leased
//     leased    exactly one open delivery; no other message of its host is ready or leased
//     acked     no open delivery; saved; exactly one delivery recorded the restart as done, which
//     had
//               been announced for the boot id that it replaced
//     dead      no open delivery; none is done; exactly one entry in the dead letters that was not
//               requeued
//
// Any other message is lost: it may be restarted twice, or never be looked at again. So is a
// message without a row: the sequence of publishing has no gaps, so the numbers given out, minus
// the rows purged, must equal the rows present. `lost` is the number of such messages; problems()
// names them.
#include <array>
#include <fmt/format.h>
#include <set>

#include "mandrill/store/message_reader.hpp"

namespace mandrill {

namespace {

struct check {
    const char* what;
    const char* condition;  // on a row of messages called m
};

#define OPEN_DELIVERIES \
    "(SELECT count(*) FROM deliveries d WHERE d.message = m.seq AND d.outcome IS NULL)"
#define DONE_DELIVERIES \
    "(SELECT count(*) FROM deliveries d WHERE d.message = m.seq AND d.done_at IS NOT NULL)"
#define BURIALS \
    "(SELECT count(*) FROM dead_letters l WHERE l.message = m.seq AND l.requeued_at IS NULL)"

constexpr std::array checks{
    check{"its state is none that exists",
          "m.state NOT IN ('waiting', 'ready', 'leased', 'acked', 'dead')"},
    check{"it waits behind nobody: no message of its host is ready or leased ahead of it",
          "m.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM messages h WHERE h.host = m.host "
          "AND h.state IN ('ready', 'leased') AND h.position < m.position)"},
    check{"it is one of several ready or leased messages of its host",
          "m.state IN ('ready', 'leased') AND (SELECT count(*) FROM messages h "
          "WHERE h.host = m.host AND h.state IN ('ready', 'leased')) > 1"},
    check{"it is leased, but does not have exactly one open delivery",
          "m.state = 'leased' AND " OPEN_DELIVERIES " <> 1"},
    check{"it is not leased, but has an open delivery",
          "m.state <> 'leased' AND " OPEN_DELIVERIES " > 0"},
    check{"it was acked without a restart on record",
          "m.state = 'acked' AND " DONE_DELIVERIES " = 0"},
    check{"it was acked without being saved", "m.state = 'acked' AND m.saved_at IS NULL"},
    check{"its host was restarted more than once for it", DONE_DELIVERIES " > 1"},
    check{"a restart is recorded as done that nobody had announced",
          "EXISTS (SELECT 1 FROM deliveries d WHERE d.message = m.seq AND d.done_at IS NOT NULL "
          "AND NOT EXISTS (SELECT 1 FROM deliveries i WHERE i.message = m.seq AND i.intended_at "
          "IS NOT NULL AND i.token <= d.token AND i.boot_id_before = d.boot_id_before))"},
    check{"it is dead, although its host was restarted",
          "m.state = 'dead' AND " DONE_DELIVERIES " > 0"},
    check{"it is dead, but not exactly once in the dead letters",
          "m.state = 'dead' AND " BURIALS " <> 1"},
    check{"it is in the dead letters, but not dead", "m.state <> 'dead' AND " BURIALS " > 0"},
};

#undef OPEN_DELIVERIES
#undef DONE_DELIVERIES
#undef BURIALS

/// Messages that were published and have no row any more, the purged ones aside.
std::int64_t count_missing(sqlite::database& db) {
    return db
        .value<std::int64_t>(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) "
            "- (SELECT count(*) FROM messages) "
            "- (SELECT value FROM counters WHERE name = 'purged')")
        .value_or(0);
}

std::int64_t count(sqlite::database& db, const char* sql, epoch_ms since) {
    return db.value<std::int64_t>(sql, since).value_or(0);
}

}  // namespace

std::vector<problem> message_reader::problems() {
    const sqlite::snapshot view(*db_);
    std::vector<problem> found;
    for (const check& each : checks) {
        auto rows = db_->select(fmt::format(
            "SELECT m.seq, m.request_id, m.host FROM messages m WHERE {} ORDER BY m.seq",
            each.condition));
        while (rows.next()) {
            found.push_back({rows.get<std::int64_t>(0), rows.get<std::string>(1),
                             rows.get<std::string>(2), each.what});
        }
    }
    if (const auto missing = count_missing(*db_); missing != 0) {
        found.push_back(
            {0, "", "", fmt::format("{} published messages have no row in the database", missing)});
    }
    return found;
}

summary message_reader::summarize(epoch_ms since) {
    const auto happened = [&](const char* sql) { return count(*db_, sql, since); };
    const sqlite::snapshot view(*db_);
    summary sum;
    sum.published = happened("SELECT count(*) FROM messages WHERE published_at >= ?1");
    sum.received =
        happened("SELECT count(*) FROM deliveries WHERE number = 1 AND delivered_at >= ?1");
    sum.saved = happened("SELECT count(*) FROM messages WHERE saved_at >= ?1");
    sum.restarted = happened("SELECT count(*) FROM deliveries WHERE done_at >= ?1");
    sum.extended = happened("SELECT sum(extensions) FROM deliveries WHERE delivered_at >= ?1");
    sum.acked =
        happened("SELECT count(*) FROM messages WHERE state = 'acked' AND settled_at >= ?1");
    sum.nacked = happened(
        "SELECT count(*) FROM deliveries d WHERE outcome IN ('nacked', 'failed') "
        "AND ended_at >= ?1 AND NOT EXISTS (SELECT 1 FROM dead_letters l "
        "WHERE l.message = d.message AND l.last_token = d.token)");
    sum.failed =
        happened("SELECT count(*) FROM deliveries WHERE outcome = 'failed' AND ended_at >= ?1");
    sum.expired =
        happened("SELECT count(*) FROM deliveries WHERE outcome = 'expired' AND ended_at >= ?1");
    sum.retried =
        happened("SELECT count(*) FROM deliveries WHERE number > 1 AND delivered_at >= ?1");
    sum.dead_lettered =
        happened("SELECT count(*) FROM dead_letters WHERE requeued_at IS NULL AND buried_at >= ?1");
    sum.outstanding =
        db_->value<std::int64_t>(
               "SELECT count(*) FROM messages WHERE state IN ('waiting', 'ready', 'leased')")
            .value_or(0);

    std::set<std::int64_t> lost;
    for (const problem& each : problems()) {
        if (each.seq != 0) lost.insert(each.seq);
    }
    const auto missing = count_missing(*db_);
    sum.lost = static_cast<std::int64_t>(lost.size()) + (missing < 0 ? -missing : missing);
    return sum;
}

}  // namespace mandrill
