// One pass over the deliveries of a message, oldest first. Each row is read in the order in which
// its owner reported: intent, then done or the end.
#include "mandrill/store/situation.hpp"

namespace mandrill {

situation look_at(sqlite::database& db, std::int64_t seq) {
    const auto forgotten_up_to = db.value<lease_token>(
                                       "SELECT max(last_token) FROM dead_letters "
                                       "WHERE message = ?1 AND requeued_at IS NOT NULL",
                                       seq)
                                     .value_or(0);
    situation now;
    auto rows = db.select(
        "SELECT token, number, extensions, intended_at, boot_id_before, done_at, boot_id_after, "
        "outcome, reason FROM deliveries WHERE message = ?1 ORDER BY number",
        seq);
    while (rows.next()) {
        now.deliveries_ever = rows.get<int>(1);
        now.extensions_ever += rows.get<int>(2);
        if (auto reason = rows.get<std::optional<std::string>>(8)) now.last_reason = *reason;
        if (rows.get<lease_token>(0) <= forgotten_up_to) continue;

        if (rows.get<std::optional<epoch_ms>>(3)) {
            now.reached = stage::intended;
            now.boot_id_before = rows.get<std::string>(4);
        }
        if (const auto done_at = rows.get<std::optional<epoch_ms>>(5)) {
            now.reached = stage::done;
            now.done_at = done_at;
            now.boot_id_after = rows.get<std::string>(6);
        }
        const auto outcome = rows.get<std::optional<std::string>>(7);
        if (outcome == "failed") {
            ++now.failures;
            // A failure before any intent tried nothing: whatever boots then is not our doing.
            if (now.reached == stage::intended) now.reached = stage::failed;
        } else if (outcome == "expired") {
            ++now.expired;
        }
    }
    return now;
}

}  // namespace mandrill
