// What can go wrong in the store, as exceptions that say what to do about it.
//
// A database fails in a handful of well-known ways, and whoever is woken by one at night needs the
// remedy more than the number. So every failure of SQLite becomes a `store_error` that carries
// both. Mistakes of the calling code and questions about unknown ids are different types, because
// they are handled elsewhere: the first is a bug, the second is something to tell the person who
// asked.
//
// It refuses to retry anything: whether to wait, to stop or to go on is the service's decision.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mandrill {

/// The kinds of failure that have a remedy of their own.
enum class store_fault {
    busy,         ///< another process holds a lock of SQLite for longer than the busy timeout
    cannot_open,  ///< no such file, no such folder, or no permission
    constraint,   ///< the schema refused a change: one of the invariants would have been broken
    corrupt,      ///< the file is damaged
    disk_full,    ///< no space, or the limit on the size of the file
    foreign_database,  ///< a healthy database, but another program's
    held_by_writer,    ///< another process is the writer of this file
    input_output,      ///< reading or writing the file failed
    not_a_database,    ///< the file is something else
    other,
    read_only,     ///< the file, its folder or the connection cannot be written
    rolled_back,   ///< SQLite gave up the whole transaction, earlier operations included
    wrong_version  ///< the schema is newer than this program, or too old for a reader
};

/// What to do about a fault, as one sentence for the person at the terminal; may be empty.
[[nodiscard]] std::string_view remedy_for(store_fault fault);

/// A failure of the database. `what()` is complete: path, reason, codes, SQL and remedy.
class store_error : public std::runtime_error {
  public:
    /// A fault found by the store itself; it has no codes of SQLite.
    store_error(store_fault fault, const std::filesystem::path& path, const std::string& problem);
    /// A fault reported by SQLite: `extended` is its extended result code.
    store_error(int extended, const std::filesystem::path& path, const std::string& problem,
                const std::string& sql);

    [[nodiscard]] store_fault fault() const { return fault_; }
    [[nodiscard]] int code() const { return extended_code_ & 0xff; }
    [[nodiscard]] int extended_code() const { return extended_code_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] const std::string& sql() const { return sql_; }
    [[nodiscard]] std::string_view remedy() const { return remedy_for(fault_); }

  private:
    store_fault fault_;
    int extended_code_;
    std::filesystem::path path_;
    std::string sql_;
};

/// The caller broke a rule of a message, e.g. acked what was not done. A bug, never bad luck.
class rule_violation : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/// An id names no message, several messages, or one that the request does not apply to.
class lookup_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace mandrill
