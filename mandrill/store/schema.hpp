// The tables, and how a file gets them.
//
// The rules that must hold whatever the program does are written into the schema, as constraints,
// partial indexes and triggers: a bug above this line is refused by the database instead of
// restarting a host twice. README.md tells the tables; schema.cpp is the authority.
//
// It refuses to touch a file of another program, or of a newer version of this one.
#pragma once

#include "mandrill/store/sqlite.hpp"

namespace mandrill {

/// The version this program writes, kept in `PRAGMA user_version`.
[[nodiscard]] int schema_version();

/// Creates the tables in an empty file, or brings an older file up to date, in one transaction.
/// Throws store_error: `foreign_database`, `wrong_version` (newer), `not_a_database`, ...
void migrate(sqlite::database& db);

/// For readers: throws store_error unless the file has exactly this program's version.
void require_current(sqlite::database& db);

}  // namespace mandrill
