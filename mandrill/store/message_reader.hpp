// The reading half of the store: what `mandrill ls`, `mandrill show` and the closing summary ask.
//
// It works beside a running service, on a read-only connection of its own, or on the writer's
// connection. Nothing here changes a row, so it can be pointed at any database without fear.
//
// The audit (summary and problems, in audit.cpp) does not trust the code that wrote the rows: it
// counts and compares them again.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/store/message.hpp"
#include "mandrill/store/sqlite.hpp"

namespace mandrill {

/// Counts of what happened, each at or after the `since` of the question; except `outstanding` and
/// `lost`, which are about the whole database as it is now.
struct summary {
    std::int64_t published = 0;
    std::int64_t received = 0;       ///< delivered for the first time
    std::int64_t saved = 0;          ///< noted as arrived
    std::int64_t restarted = 0;      ///< done
    std::int64_t extended = 0;       ///< extensions of the leases that began then
    std::int64_t acked = 0;          ///< messages that ended well
    std::int64_t nacked = 0;         ///< deliveries given back to be tried again, failures included
    std::int64_t failed = 0;         ///< deliveries whose restart failed
    std::int64_t expired = 0;        ///< deliveries whose owner vanished
    std::int64_t retried = 0;        ///< deliveries after the first one of their message
    std::int64_t dead_lettered = 0;  ///< burials that were not undone by a requeue
    std::int64_t outstanding = 0;    ///< waiting, ready or leased
    std::int64_t lost = 0;           ///< see audit.cpp for the exact meaning; always 0
};

/// A message in a state that the rules do not allow. Finding one means a bug or a damaged file.
struct problem {
    std::int64_t seq = 0;  ///< the message; its row may be missing
    std::string id;        ///< empty if the row is missing
    std::string host;
    std::string what;
};

class message_reader {
  public:
    /// Opens an existing database read-only. Throws store_error.
    explicit message_reader(const std::filesystem::path& path, int busy_timeout_ms = 5000);
    /// Uses somebody else's connection, which must live longer.
    explicit message_reader(sqlite::database& shared);

    /// The message that `id` names: a request id, or a beginning of one that is unique. `ID/HOST`
    /// names one of several hosts of a request. Throws lookup_error, which lists the candidates.
    [[nodiscard]] message find(std::string_view id);

    /// The newest messages first, at most `limit`; only those in `state` if it is given.
    [[nodiscard]] std::vector<message_status> list(std::optional<message_state> state = {},
                                                   std::size_t limit = 1000);
    [[nodiscard]] std::vector<message_status> dead_letters(std::size_t limit = 1000);

    /// All that happened to one message; `id` as in find().
    [[nodiscard]] message_history history(std::string_view id);

    [[nodiscard]] summary summarize(epoch_ms since = 0);
    /// Every message in an illegal state, with what is wrong; one message may appear twice.
    [[nodiscard]] std::vector<problem> problems();

  private:
    [[nodiscard]] message_status status_of(message what);

    std::unique_ptr<sqlite::database> own_;
    sqlite::database* db_;
};

/// Reads `seq, request_id, host, reason, owner, source, published_at`, selected in this order.
[[nodiscard]] message message_in(const sqlite::query& row);

}  // namespace mandrill
