// The words of the store's errors: one switch from SQLite's codes to faults, one from faults to
// remedies. Both are complete, so that a new fault cannot be added without saying what to do.
#include "mandrill/store/error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace mandrill {

namespace {

constexpr std::size_t sql_shown_max = 160;

store_fault classify(int extended) {
    switch (extended & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return store_fault::busy;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return store_fault::cannot_open;
        case SQLITE_CONSTRAINT:
            return store_fault::constraint;
        case SQLITE_CORRUPT:
            return store_fault::corrupt;
        case SQLITE_FULL:
            return store_fault::disk_full;
        case SQLITE_IOERR:
            return store_fault::input_output;
        case SQLITE_NOTADB:
            return store_fault::not_a_database;
        case SQLITE_READONLY:
            return store_fault::read_only;
        default:
            return store_fault::other;
    }
}

/// SQL on one line and of bounded length: it is there to recognise the statement by.
std::string shorten(const std::string& sql) {
    std::string line;
    for (const char c : sql) {
        const bool blank = c == ' ' || c == '\n' || c == '\t';
        if (blank && (line.empty() || line.back() == ' ')) continue;
        if (line.size() == sql_shown_max) return line + "...";
        line += blank ? ' ' : c;
    }
    return line;
}

std::string with_remedy(std::string text, store_fault fault) {
    if (const std::string_view remedy = remedy_for(fault); !remedy.empty()) {
        text += fmt::format(". Remedy: {}", remedy);
    }
    return text;
}

}  // namespace

std::string_view remedy_for(store_fault fault) {
    switch (fault) {
        case store_fault::busy:
            return "another process keeps the database locked (an open sqlite3 shell, a backup): "
                   "end its transaction, then try again";
        case store_fault::cannot_open:
            return "check that the path is right, that its folder exists and that this user may "
                   "read and write there; reading needs a database that the service has created";
        case store_fault::constraint:
            return "the change would have broken an invariant of the messages and was refused; "
                   "nothing was changed, please report it";
        case store_fault::corrupt:
            return "move the file and its -wal and -shm neighbours away and restore a backup, or "
                   "save what is readable with: sqlite3 DAMAGED .recover | sqlite3 RESCUED";
        case store_fault::disk_full:
            return "free some space on the disk, or raise the limit on the size of the database; "
                   "nothing that was acknowledged is lost";
        case store_fault::foreign_database:
            return "choose another path: this database belongs to another program";
        case store_fault::held_by_writer:
            return "stop the other process or use another database; reading (ls, show) works "
                   "beside it";
        case store_fault::input_output:
            return "check the disk and the kernel log (dmesg); network file systems are not "
                   "supported";
        case store_fault::not_a_database:
            return "choose another path, or move the file away so that a new database is created";
        case store_fault::read_only:
            return "make the file and its folder writable for this user (chown, chmod, mount -o "
                   "remount,rw)";
        case store_fault::rolled_back:
            return "none of the operations of this commit took effect; look at the first error, "
                   "then submit them again";
        case store_fault::wrong_version:
            return "a newer file needs the newer program that wrote it; an older one is brought up "
                   "to date when the service opens it for writing";
        case store_fault::other:
            return "";
    }
    return "";
}

store_error::store_error(store_fault fault, const std::filesystem::path& path,
                         const std::string& problem)
    : std::runtime_error(with_remedy(fmt::format("{}: {}", path.native(), problem), fault)),
      fault_(fault),
      extended_code_(SQLITE_OK),
      path_(path) {}

store_error::store_error(int extended, const std::filesystem::path& path,
                         const std::string& problem, const std::string& sql)
    : std::runtime_error(with_remedy(
          fmt::format("{}: {} (SQLite {}, extended {}){}{}", path.native(), problem,
                      extended & 0xff, extended, sql.empty() ? "" : " in: ", shorten(sql)),
          classify(extended))),
      fault_(classify(extended)),
      extended_code_(extended),
      path_(path),
      sql_(sql) {}

}  // namespace mandrill
