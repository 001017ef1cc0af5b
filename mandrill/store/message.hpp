// The vocabulary of the store: what a request, a message and a delivery are.
//
// Plain values that may be copied to another thread. They have no behaviour beyond printing
// themselves; the rules are in message_store.hpp and schema.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mandrill {

/// Milliseconds since 1970. The store never reads a clock: every time is handed in.
using epoch_ms = std::int64_t;

/// Proof of being the current owner of a message. Tokens only grow: a later delivery of anything
/// has a larger one, so that an old owner can be told from the new one.
using lease_token = std::int64_t;

/// Where a request came from.
enum class origin { random, request, standard_input };
[[nodiscard]] std::string_view to_string(origin where);

/// Somebody's wish to have one host restarted. The pair (id, host) is unique: asking twice is
/// asking once.
struct request {
    request(std::string id, std::string host, std::string reason = "", std::string owner = "",
            origin source = origin::random);

    std::string id;    ///< usually a UUID; must not be empty
    std::string host;  ///< instance name, `cattle-zpsk`; must not be empty
    std::string reason;
    std::string owner;
    origin source;
};

/// A published request.
struct message {
    std::int64_t seq = 0;  ///< order of publishing, from 1 without gaps
    std::string id;        ///< the request's
    std::string host;
    std::string reason;
    std::string owner;
    origin source = origin::random;
    epoch_ms published_at = 0;
};

/// `Message(inst_name='cattle-zpsk')`
[[nodiscard]] std::string to_string(const message& what);
/// `cattle-zpsk.example.net`
[[nodiscard]] std::string hostname(const message& what);

/// How far the earlier deliveries of a message came. This is what makes the effect exactly-once: it
/// tells a new owner what may already have happened.
enum class stage {
    fresh,     ///< no restart was announced (there may have been failures before that)
    intended,  ///< a restart was announced and its end is unknown
    failed,    ///< the last restart that was announced is on record as failed
    done       ///< the host was restarted
};
[[nodiscard]] std::string_view to_string(stage reached);

/// One handing-over of a message to an owner, until `deadline`.
struct delivery {
    message what;
    lease_token token = 0;
    int number = 0;         ///< 1 for the first delivery of this message
    epoch_ms deadline = 0;  ///< then the message is delivered again, unless extended
    int failures = 0;       ///< counted so far: what the back-off grows with
    bool saved = false;     ///< save() has taken effect in an earlier delivery
    stage reached = stage::fresh;
    std::string boot_id_before;  ///< of the last intent; empty while `reached` is fresh
    std::string boot_id_after;   ///< set when `reached` is done
};

/// What the owner of a delivery has to do.
enum class next_step {
    restart,     ///< intend(), restart, verify, then done() and ack(), or fail()
    verify,      ///< no restart: it has happened, or may have. When the host is well under another
                 ///< boot id, done() and ack(); if it is not by the limit, fail()
    acknowledge  ///< only ack() is left
};

/// The rule of recovery. `boot_id_now` is what the host answers at the moment, nullopt if it does
/// not. A restart that was given up as failed may have come through since, so a changed boot id
/// counts; but a host that is still down after a failure is restarted (its last known boot id is
/// `boot_id_before`).
[[nodiscard]] next_step next_step_for(const delivery& mine,
                                      const std::optional<std::string>& boot_id_now);

/// Where a message is. `waiting` and `ready` differ in that `ready` is the first of its host.
enum class message_state { waiting, ready, leased, acked, dead };
[[nodiscard]] std::string_view to_string(message_state state);
/// Throws lookup_error for a name that is none.
[[nodiscard]] message_state parse_message_state(std::string_view name);
[[nodiscard]] origin parse_origin(std::string_view name);

/// A message as `mandrill ls` shows it.
struct message_status {
    message what;
    message_state state = message_state::ready;
    epoch_ms visible_at = 0;  ///< ready: deliverable from then on; leased: the deadline
    std::optional<epoch_ms> saved_at;
    std::optional<epoch_ms> done_at;
    std::optional<epoch_ms> settled_at;  ///< acked or dead since
    int deliveries = 0;
    int extensions = 0;
    int failures = 0;         ///< since publishing or the last requeue
    std::string last_reason;  ///< of the last failure, nack or burial
};

/// One line of `mandrill show`.
struct history_event {
    epoch_ms at = 0;
    std::string what;       ///< published, pulled, saved, intent, done, acked, nacked, failed, ...
    lease_token token = 0;  ///< 0 where no delivery was involved
    int delivery = 0;       ///< its number; 0 where none was involved
    std::string detail;
};

struct message_history {
    message_status status;
    std::vector<history_event> events;  ///< in order of time
};

}  // namespace mandrill
