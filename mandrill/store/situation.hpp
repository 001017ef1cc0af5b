// What the deliveries of one message add up to: the store's memory of what may have happened.
//
// Nothing of this is stored. Counters that are kept beside the rows that they count drift apart
// from them sooner or later; a message has few deliveries, so they are read and added up when
// needed.
//
// It refuses to decide anything: it reports, message_store.cpp applies the rules.
#pragma once

#include <optional>
#include <string>

#include "mandrill/store/message.hpp"
#include "mandrill/store/sqlite.hpp"

namespace mandrill {

/// Counts mean "since publishing, or since the last requeue", except where they say "ever".
struct situation {
    int deliveries_ever = 0;
    int extensions_ever = 0;
    int failures = 0;  ///< deliveries that ended in fail()
    int expired = 0;   ///< deliveries of which nobody ever heard again
    stage reached = stage::fresh;
    std::string boot_id_before;  ///< of the last intent
    std::string boot_id_after;
    std::optional<epoch_ms> done_at;
    std::string last_reason;
};

/// Reads the deliveries of message `seq`. Throws store_error.
[[nodiscard]] situation look_at(sqlite::database& db, std::int64_t seq);

}  // namespace mandrill
