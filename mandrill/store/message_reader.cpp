// Finding, listing and telling the history. A history is put together from the rows themselves: the
// message, its deliveries and its burials carry the time of everything that happened to them.
#include "mandrill/store/message_reader.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "mandrill/store/schema.hpp"
#include "mandrill/store/situation.hpp"

namespace mandrill {

namespace {

constexpr std::size_t candidates_shown_max = 5;

/// Keeps `events` in the order of time; equal times stay in the order of insertion, which is
/// causal.
void insert_in_time(std::vector<history_event>& events, history_event event) {
    const auto later = std::ranges::upper_bound(events, event.at, {}, &history_event::at);
    events.insert(later, std::move(event));
}

/// The burial that the delivery `token` led to, if it did.
void add_burial_after(sqlite::database& db, lease_token token, std::int64_t seq,
                      std::vector<history_event>& events) {
    auto rows = db.select(
        "SELECT buried_at, reason, requeued_at FROM dead_letters "
        "WHERE message = ?1 AND last_token = ?2",
        seq, token);
    if (!rows.next()) return;
    insert_in_time(events, {rows.get<epoch_ms>(0), "dead", 0, 0, rows.get<std::string>(1)});
    if (const auto requeued_at = rows.get<std::optional<epoch_ms>>(2)) {
        insert_in_time(events, {*requeued_at, "requeued", 0, 0, ""});
    }
}

void add_deliveries(sqlite::database& db, const message_status& status,
                    std::vector<history_event>& events) {
    auto rows = db.select(
        "SELECT token, number, delivered_at, extensions, intended_at, boot_id_before, done_at, "
        "boot_id_after, ended_at, outcome, reason FROM deliveries WHERE message = ?1 "
        "ORDER BY number",
        status.what.seq);
    while (rows.next()) {
        const auto token = rows.get<lease_token>(0);
        const int number = rows.get<int>(1);
        const auto add = [&](epoch_ms at, std::string what, std::string detail) {
            insert_in_time(events, {at, std::move(what), token, number, std::move(detail)});
        };
        const int extensions = rows.get<int>(3);
        add(rows.get<epoch_ms>(2), "pulled",
            extensions == 0 ? "" : fmt::format("extensions of the lease: {}", extensions));
        if (number == 1 && status.saved_at) {
            insert_in_time(events, {*status.saved_at, "saved", 0, 0, ""});
        }
        const auto intended_at = rows.get<std::optional<epoch_ms>>(4);
        if (intended_at) add(*intended_at, "intent", "boot id before: " + rows.get<std::string>(5));
        if (const auto done_at = rows.get<std::optional<epoch_ms>>(6)) {
            add(*done_at, "done",
                fmt::format("boot id after: {}{}", rows.get<std::string>(7),
                            intended_at ? "" : " (restarted by an earlier delivery)"));
        }
        if (const auto ended_at = rows.get<std::optional<epoch_ms>>(8)) {
            add(*ended_at, rows.get<std::string>(9), rows.get<std::string>(10));
        }
        add_burial_after(db, token, status.what.seq, events);
    }
}

}  // namespace

message message_in(const sqlite::query& row) {
    message what;
    what.seq = row.get<std::int64_t>(0);
    what.id = row.get<std::string>(1);
    what.host = row.get<std::string>(2);
    what.reason = row.get<std::string>(3);
    what.owner = row.get<std::string>(4);
    what.source = parse_origin(row.get<std::string>(5));
    what.published_at = row.get<epoch_ms>(6);
    return what;
}

message_reader::message_reader(const std::filesystem::path& path, int busy_timeout_ms)
    : own_(std::make_unique<sqlite::database>(path, sqlite::database::mode::read_only,
                                              busy_timeout_ms)),
      db_(own_.get()) {
    require_current(*db_);
}

message_reader::message_reader(sqlite::database& shared) : db_(&shared) {}

message message_reader::find(std::string_view id) {
    if (id.empty()) throw lookup_error("an id of a message must not be empty");
    std::vector<message> found;
    const auto search = [&](std::string_view prefix, std::optional<std::string_view> host) {
        // Exact ids come first; the range is the prefix search that an index can answer.
        auto rows = db_->select(
            "SELECT seq, request_id, host, reason, owner, source, published_at FROM messages "
            "WHERE request_id >= ?1 AND request_id < ?1 || char(1114111) "
            "AND (?2 IS NULL OR host = ?2) ORDER BY request_id <> ?1, request_id, host LIMIT ?3",
            prefix, host, candidates_shown_max + 1);
        while (rows.next()) found.push_back(message_in(rows));
        // A complete id means itself, even when longer ids begin with it.
        if (!found.empty() && found.front().id == prefix) {
            std::erase_if(found, [&](const message& other) { return other.id != prefix; });
        }
    };
    search(id, std::nullopt);
    if (const auto slash = id.rfind('/'); found.empty() && slash != std::string_view::npos) {
        search(id.substr(0, slash), id.substr(slash + 1));
    }
    if (found.empty())
        throw lookup_error(fmt::format("no message has an id that begins with '{}'", id));
    if (found.size() == 1) return std::move(found.front());

    std::string list;
    for (std::size_t i = 0; i < std::min(found.size(), candidates_shown_max); ++i) {
        list += fmt::format("{}{}/{}", i == 0 ? "" : ", ", found[i].id, found[i].host);
    }
    throw lookup_error(fmt::format("'{}' is ambiguous; it may be {}{}", id, list,
                                   found.size() > candidates_shown_max ? " or more" : ""));
}

message_status message_reader::status_of(message what) {
    message_status status;
    {
        auto row = db_->select(
            "SELECT state, visible_at, saved_at, settled_at, (SELECT reason FROM dead_letters "
            "WHERE message = seq AND requeued_at IS NULL) FROM messages WHERE seq = ?1",
            what.seq);
        if (!row.next()) throw lookup_error(fmt::format("message {} was removed", what.id));
        status.state = parse_message_state(row.get<std::string>(0));
        status.visible_at = row.get<epoch_ms>(1);
        status.saved_at = row.get<std::optional<epoch_ms>>(2);
        status.settled_at = row.get<std::optional<epoch_ms>>(3);
        status.last_reason = row.get<std::string>(4);
    }
    const situation past = look_at(*db_, what.seq);
    status.done_at = past.done_at;
    status.deliveries = past.deliveries_ever;
    status.extensions = past.extensions_ever;
    status.failures = past.failures;
    if (status.last_reason.empty()) status.last_reason = past.last_reason;
    status.what = std::move(what);
    return status;
}

std::vector<message_status> message_reader::list(std::optional<message_state> state,
                                                 std::size_t limit) {
    const sqlite::snapshot view(*db_);
    std::vector<message> found;
    {
        auto rows = db_->select(
            "SELECT seq, request_id, host, reason, owner, source, published_at FROM messages "
            "WHERE ?1 IS NULL OR state = ?1 ORDER BY seq DESC LIMIT ?2",
            state ? std::optional(to_string(*state)) : std::nullopt, limit);
        while (rows.next()) found.push_back(message_in(rows));
    }
    std::vector<message_status> all;
    all.reserve(found.size());
    for (message& what : found) all.push_back(status_of(std::move(what)));
    return all;
}

std::vector<message_status> message_reader::dead_letters(std::size_t limit) {
    return list(message_state::dead, limit);
}

message_history message_reader::history(std::string_view id) {
    const sqlite::snapshot view(*db_);
    message_history history;
    history.status = status_of(find(id));
    const message& what = history.status.what;
    auto& events = history.events;
    events.push_back(
        {what.published_at, "published", 0, 0, fmt::format("source: {}", to_string(what.source))});
    add_deliveries(*db_, history.status, events);
    return history;
}

}  // namespace mandrill
