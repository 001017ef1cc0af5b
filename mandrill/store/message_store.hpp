// The writing half of the store: the embedded broker and the record of every message.
//
// Why one class for both: the broker's leases and the record of what was done live in one file and
// change in one commit. "Acked" and "done" can therefore never disagree, however the process ends.
//
// One message, from publishing to its end (README.md has the diagram with all the edges):
//
//     publish -> pull -> save -> intend -> [restart] -> done -> ack
//
// Every report carries the token of the delivery it speaks for. A token is good until its delivery
// is settled (ack, nack, fail) or superseded (the lease ran out and the message was delivered
// again); after that the answer is `effect::stale` and nothing has changed. A lease that ran out
// without a redelivery still counts: its owner was late, but nobody else has begun.
//
// It refuses to read a clock, to wait for anything but SQLite, to be used by two threads at once,
// and to restart hosts.
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mandrill/store/message.hpp"
#include "mandrill/store/message_reader.hpp"
#include "mandrill/store/sqlite.hpp"
#include "mandrill/store/writer_lock.hpp"

namespace mandrill {

struct situation;

struct store_options {
    explicit store_options(std::filesystem::path file) : path(std::move(file)) {}

    std::filesystem::path path;
    bool sync_every_commit = true;  ///< synchronous=FULL; false is NORMAL: a power cut may take the
                                    ///< last commits, a crash of the process still takes nothing
    bool check_on_open = true;      ///< look for damage before the first write
    int busy_timeout_ms = 5000;
    int pages_max = 0;         ///< limit on the size of the file in pages; 0: the disk's
    int failures_max = 5;      ///< then a message is dead
    int expirations_max = 20;  ///< then too: its owners keep vanishing without a word
};

/// Whether a report changed anything.
enum class [[nodiscard]] effect { applied, stale };

/// What fail() did.
struct [[nodiscard]] failure {
    effect took = effect::stale;
    int failures = 0;   ///< counted so far, this one included; 0 if stale
    bool dead = false;  ///< this was the last one: no redelivery
};

struct publish_counts {
    int inserted = 0;
    int duplicates = 0;
};

/// All functions throw store_error when the database fails, and then have changed nothing. Times
/// are milliseconds since 1970 and come from the caller.
class message_store {
  public:
    /// Opens or creates the database and becomes its only writer until destruction.
    explicit message_store(const store_options& options);
    message_store(const message_store&) = delete;
    message_store& operator=(const message_store&) = delete;

    // --- The broker ---

    /// Accepts a request; false if the same id was already published for the same host.
    bool publish(const request& wish, epoch_ms now);
    /// The same for many, all or nothing, in one commit.
    publish_counts publish(std::span<const request> wishes, epoch_ms now);

    /// Hands out up to `max` messages whose time has come, oldest first: at most one per host, in
    /// the order of publishing per host; a message that waits for its retry keeps its place and
    /// holds the later ones of its host back. Expired leases are among them, under a new token.
    [[nodiscard]] std::vector<delivery> pull(std::size_t max, epoch_ms now, epoch_ms lease_ms);

    /// When pull() will next have something: a retry or the end of a lease. nullopt: nothing is
    /// open.
    [[nodiscard]] std::optional<epoch_ms> next_due();

    /// Prolongs the lease to `until`; never shortens it.
    effect extend(lease_token token, epoch_ms until);
    /// Ends the message. Throws rule_violation before done().
    effect ack(lease_token token, epoch_ms now);
    /// Gives the message back, to be delivered again at `visible_at`. This is not a failure.
    effect nack(lease_token token, epoch_ms now, epoch_ms visible_at, std::string_view reason);

    /// Ends every lease, so that its message is delivered at once. For the start of the service: it
    /// is the only writer, so whoever held a lease is gone. Returns how many there were.
    int expire_leases(epoch_ms now);

    // --- The record of a message ---

    /// Notes that the message has arrived ("Saved ... into database"). Harmless when repeated.
    effect save(lease_token token, epoch_ms now);

    /// Announces a restart of a host that now has `boot_id_before`; it must be committed before the
    /// restart begins. Saves the message too, if that was not done. Throws rule_violation if a
    /// restart may have happened already: done() was called, this delivery has announced one, or an
    /// earlier unresolved intent saw another boot id (then verify the host, and call done() or
    /// fail()).
    effect intend(lease_token token, std::string_view boot_id_before, epoch_ms now);

    /// The host came back as `boot_id_after`, for this delivery's intent or an earlier one's.
    /// Throws rule_violation without an intent, a second time, or if the boot id has not changed.
    effect done(lease_token token, std::string_view boot_id_after, epoch_ms now);

    /// The restart failed. Counts it and gives the message back to be tried again at `retry_at`;
    /// the failure number `failures_max` buries it instead. Throws rule_violation after done().
    failure fail(lease_token token, std::string_view reason, epoch_ms now, epoch_ms retry_at);

    // --- Housekeeping ---

    /// Takes a message out of the dead letters: to the end of its host's queue, with its failures
    /// forgotten and its history kept. `id` as in message_reader::find(). Throws lookup_error.
    void requeue(std::string_view id, epoch_ms now);

    /// Removes the messages acked before `before`, and with them the memory of their ids: a request
    /// of that id would be accepted again. Returns how many.
    int purge(epoch_ms before);

    // --- Group commit ---

    /// Runs the operations in order, in one commit. An operation that throws is undone by itself
    /// and its exception returned in its place (null for the others). If this throws, nothing of
    /// the whole batch has taken effect. Results must not leave the batch before it returns.
    std::vector<std::exception_ptr> batch(std::span<std::move_only_function<void()>> operations);

    /// Questions, answered on this connection: they see the current batch.
    [[nodiscard]] message_reader& reader() { return reader_; }

  private:
    struct owned {
        std::int64_t seq;
        std::string host;
    };
    [[nodiscard]] std::optional<owned> owner_of(lease_token token);
    bool insert(const request& wish, epoch_ms now);
    [[nodiscard]] bool settle_without_delivery(const message& what, const situation& past,
                                               epoch_ms now);
    [[nodiscard]] delivery deliver(message what, situation past, epoch_ms now, epoch_ms deadline);
    void end_delivery(lease_token token, std::string_view outcome, epoch_ms now,
                      std::string_view reason);
    void make_ready(std::int64_t seq, epoch_ms visible_at);
    void make_acked(std::int64_t seq, const std::string& host, epoch_ms now);
    void bury(std::int64_t seq, const std::string& host, epoch_ms now, const std::string& reason);
    void promote_next(const std::string& host);
    [[nodiscard]] bool has_head(const std::string& host);
    [[nodiscard]] std::int64_t last_position(const std::string& host);

    store_options options_;
    writer_lock lock_;  // before the database: no byte of it is touched without the lock
    sqlite::database db_;
    message_reader reader_;
};

}  // namespace mandrill
