// The schema itself. One string per version; a file is brought up to date by running those that it
// has not had. Never edit a version that was released: append the next one.
#include "mandrill/store/schema.hpp"

#include <array>
#include <fmt/format.h>

namespace mandrill {

namespace {

// "MNDR": tells this program's files from other SQLite databases.
constexpr int application_id = 0x4d4e4452;

constexpr const char* version_1 = R"sql(
-- A published request and where it is now.
CREATE TABLE messages (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of publishing; never reused
    request_id   TEXT NOT NULL CHECK (length(request_id) > 0),
    host         TEXT NOT NULL CHECK (length(host) > 0),
    reason       TEXT NOT NULL,
    owner        TEXT NOT NULL,
    source       TEXT NOT NULL CHECK (source IN ('random', 'request', 'stdin')),
    published_at INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'ready', 'leased', 'acked', 'dead')),
    position     INTEGER NOT NULL,                   -- place in its host's queue
    visible_at   INTEGER NOT NULL,                   -- ready: from when; leased: until when
    saved_at     INTEGER,
    settled_at   INTEGER,                            -- acked or dead since
    UNIQUE (request_id, host),                       -- asking twice is asking once
    UNIQUE (host, position),
    CHECK ((settled_at IS NOT NULL) = (state IN ('acked', 'dead'))),
    CHECK (saved_at IS NOT NULL OR state <> 'acked')
) STRICT;

-- FIFO per host, and one outstanding delivery per host: only the head can be ready or leased.
CREATE UNIQUE INDEX one_head_per_host ON messages (host) WHERE state IN ('ready', 'leased');
CREATE INDEX deliverable ON messages (visible_at, seq) WHERE state IN ('ready', 'leased');
CREATE INDEX next_of_host ON messages (host, position) WHERE state = 'waiting';

-- One handing-over of a message and all that its owner reported. The token is the fence.
CREATE TABLE deliveries (
    token          INTEGER PRIMARY KEY AUTOINCREMENT,  -- strictly increasing, never reused
    message        INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
    number         INTEGER NOT NULL CHECK (number > 0),
    delivered_at   INTEGER NOT NULL,
    extensions     INTEGER NOT NULL DEFAULT 0,
    intended_at    INTEGER,      -- this owner announced a restart of a host with boot_id_before
    boot_id_before TEXT,         -- without intended_at: an earlier owner's, verified by this one
    done_at        INTEGER,
    boot_id_after  TEXT,
    ended_at       INTEGER,
    outcome        TEXT CHECK (outcome IN ('acked', 'nacked', 'failed', 'expired')),
    reason         TEXT,
    UNIQUE (message, number),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK (intended_at IS NULL OR boot_id_before IS NOT NULL),
    CHECK ((done_at IS NULL) = (boot_id_after IS NULL)),
    -- A restart is done when the boot id has changed, and not before.
    CHECK (done_at IS NULL OR (boot_id_before IS NOT NULL AND boot_id_before <> boot_id_after)),
    CHECK (done_at IS NULL OR outcome IS NOT 'failed')
) STRICT;

CREATE UNIQUE INDEX one_open_delivery_per_message ON deliveries (message) WHERE outcome IS NULL;
CREATE UNIQUE INDEX done_once_per_message ON deliveries (message) WHERE done_at IS NOT NULL;

-- Burials. A requeued message keeps its entry: what came before `last_token` no longer counts.
CREATE TABLE dead_letters (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    message     INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
    last_token  INTEGER NOT NULL,
    buried_at   INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    requeued_at INTEGER
) STRICT;

CREATE UNIQUE INDEX one_burial_per_dead_message ON dead_letters (message) WHERE requeued_at IS NULL;
CREATE INDEX burials_of_message ON dead_letters (message);

-- Facts about rows that are gone.
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO counters VALUES ('purged', 0);

-- The fence: what a superseded or settled delivery reports changes nothing.
CREATE TRIGGER settled_delivery_is_frozen BEFORE UPDATE ON deliveries WHEN old.outcome IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the delivery is settled: its token is stale'); END;

CREATE TRIGGER no_intent_after_done BEFORE UPDATE OF intended_at ON deliveries
WHEN new.intended_at IS NOT NULL AND EXISTS
     (SELECT 1 FROM deliveries WHERE message = new.message AND done_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'the host was already restarted for this message'); END;

CREATE TRIGGER done_only_after_intent BEFORE UPDATE OF done_at ON deliveries
WHEN new.done_at IS NOT NULL AND NOT EXISTS
     (SELECT 1 FROM deliveries WHERE message = new.message AND intended_at IS NOT NULL
      AND boot_id_before = new.boot_id_before)
BEGIN SELECT RAISE(ABORT, 'no restart was announced for this boot id'); END;

CREATE TRIGGER done_is_final BEFORE UPDATE OF done_at ON deliveries WHEN old.done_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the restart is already recorded as done'); END;

CREATE TRIGGER message_begins_alive BEFORE INSERT ON messages
WHEN new.state NOT IN ('waiting', 'ready')
BEGIN SELECT RAISE(ABORT, 'a new message is waiting or ready'); END;

CREATE TRIGGER acked_is_final BEFORE UPDATE OF state ON messages WHEN old.state = 'acked'
BEGIN SELECT RAISE(ABORT, 'an acked message never changes'); END;

CREATE TRIGGER acked_only_when_done BEFORE UPDATE OF state ON messages
WHEN new.state = 'acked' AND NOT EXISTS
     (SELECT 1 FROM deliveries WHERE message = new.seq AND done_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'a message is acked only after its restart is done'); END;

CREATE TRIGGER dead_only_when_not_done BEFORE UPDATE OF state ON messages
WHEN new.state = 'dead' AND EXISTS
     (SELECT 1 FROM deliveries WHERE message = new.seq AND done_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'a message whose restart is done cannot be dead'); END;
)sql";

constexpr std::array versions{version_1};

int pragma(sqlite::database& db, const char* sql) { return db.value<int>(sql).value_or(0); }

/// The file's version: 0 for an empty file. Throws for files that are not ours to read.
int identify(sqlite::database& db) {
    const int version = pragma(db, "PRAGMA user_version");
    const bool ours = pragma(db, "PRAGMA application_id") == application_id;
    const bool empty = pragma(db, "SELECT count(*) FROM sqlite_schema") == 0;
    if (!ours && (!empty || version != 0)) {
        throw store_error(store_fault::foreign_database, db.path(),
                          "this is a SQLite database, but not one of Mandrill's");
    }
    if (version > schema_version()) {
        throw store_error(store_fault::wrong_version, db.path(),
                          fmt::format("the schema has version {}, this program knows up to {}",
                                      version, schema_version()));
    }
    return version;
}

}  // namespace

int schema_version() { return static_cast<int>(versions.size()); }

void migrate(sqlite::database& db) {
    int version = identify(db);
    if (version == schema_version()) return;
    sqlite::transaction all(db);
    for (; version < schema_version(); ++version) {
        db.execute(versions[static_cast<std::size_t>(version)]);
    }
    db.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id,
                           version));
    all.commit();
}

void require_current(sqlite::database& db) {
    if (const int version = identify(db); version != schema_version()) {
        throw store_error(
            store_fault::wrong_version, db.path(),
            fmt::format("the schema has version {}, reading needs {}", version, schema_version()));
    }
}

}  // namespace mandrill
