// The calls into SQLite, and the only place where its result codes are looked at.
#include "mandrill/store/sqlite.hpp"

#include <cassert>
#include <fmt/format.h>
#include <sqlite3.h>

namespace mandrill::sqlite {

// --- query
// ----------------------------------------------------------------------------------------

query::query(database& owner, sqlite3_stmt* statement) : owner_(&owner), statement_(statement) {}

query::query(query&& other) noexcept
    : owner_(other.owner_), statement_(std::exchange(other.statement_, nullptr)) {}

query::~query() {
    if (statement_ == nullptr) return;
    // The result of reset repeats the error of the last step, which was already reported there.
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

bool query::next() {
    switch (sqlite3_step(statement_)) {
        case SQLITE_ROW:
            return true;
        case SQLITE_DONE:
            return false;
        default:
            owner_->fail(sqlite3_sql(statement_));
    }
}

void query::bind(int index, std::int64_t value) {
    if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) {
        owner_->fail(sqlite3_sql(statement_));
    }
}

void query::bind(int index, std::string_view value) {
    // An empty view may have no address, and binding a null address would bind NULL. The text is
    // copied, since the caller's may be a temporary that is gone when the rows are read.
    const char* data = value.data() == nullptr ? "" : value.data();
    if (sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
        SQLITE_OK) {
        owner_->fail(sqlite3_sql(statement_));
    }
}

void query::bind(int index, std::nullopt_t) {
    if (sqlite3_bind_null(statement_, index) != SQLITE_OK) owner_->fail(sqlite3_sql(statement_));
}

bool query::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string query::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

// --- database
// -------------------------------------------------------------------------------------

database::database(const std::filesystem::path& path, mode how, int busy_timeout_ms)
    : path_(path), handle_(nullptr, sqlite3_close_v2) {
    // NOMUTEX: one thread at a time is the contract, so SQLite need not lock around every call.
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (how == mode::read_only ? SQLITE_OPEN_READONLY
                                              : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sqlite3* handle = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);  // also after a failure: SQLite wants it closed
    if (result != SQLITE_OK) {
        const std::string reason =
            handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle);
        throw store_error(result, path, "cannot open the database: " + reason, "");
    }
    sqlite3_busy_timeout(handle, busy_timeout_ms);
}

database::~database() {
    statements_.clear();
    assert(depth_ == 0);
}

void database::execute(const std::string& script) {
    if (sqlite3_exec(handle_.get(), script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(script);
    }
}

sqlite3_stmt* database::prepare(std::string_view sql) {
    if (const auto known = statements_.find(sql); known != statements_.end()) {
        assert(!sqlite3_stmt_busy(known->second.get()));
        return known->second.get();
    }
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
        fail(sql);
    }
    statements_.try_emplace(std::string(sql), statement, sqlite3_finalize);
    return statement;
}

std::int64_t database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

bool database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

int database::changes() const { return sqlite3_changes(handle_.get()); }

void database::fail(std::string_view sql) const {
    throw store_error(sqlite3_extended_errcode(handle_.get()), path_, sqlite3_errmsg(handle_.get()),
                      std::string(sql));
}

// --- transaction
// ----------------------------------------------------------------------------------

namespace {

store_error rolled_back(const database& db) {
    return {store_fault::rolled_back, db.path(),
            "SQLite rolled the transaction back after an earlier error"};
}

}  // namespace

transaction::transaction(database& db) : db_(db) {
    if (db_.depth_ == 0) {
        db_.run("BEGIN IMMEDIATE");
    } else {
        // Some errors (a full disk, a failed read) make SQLite give up the whole transaction. Going
        // on would commit this part by itself although its group is going to be reported as failed.
        if (!db_.in_transaction()) throw rolled_back(db_);
        db_.run(fmt::format("SAVEPOINT level_{}", db_.depth_));
    }
    ++db_.depth_;
}

void transaction::commit() {
    assert(open_);
    if (!db_.in_transaction()) throw rolled_back(db_);
    if (db_.depth_ == 1) {
        db_.run("COMMIT");
    } else {
        db_.run(fmt::format("RELEASE level_{}", db_.depth_ - 1));
    }
    --db_.depth_;
    open_ = false;
}

transaction::~transaction() {
    if (!open_) return;
    --db_.depth_;
    if (!db_.in_transaction()) return;
    // A failing rollback has nothing to add to the exception that is under way, and leaves a
    // transaction that the next BEGIN or COMMIT will complain about.
    try {
        if (db_.depth_ == 0) {
            db_.run("ROLLBACK");
        } else {
            db_.execute(fmt::format("ROLLBACK TO level_{0}; RELEASE level_{0}", db_.depth_));
        }
    } catch (const store_error&) {
    }
}

// --- snapshot
// -------------------------------------------------------------------------------------

snapshot::snapshot(database& db) : db_(db), mine_(!db.in_transaction()) {
    if (mine_) db_.run("BEGIN");
}

snapshot::~snapshot() {
    if (!mine_) return;
    // Nothing was written, so there is nothing that a failure could lose.
    try {
        if (db_.in_transaction()) db_.run("ROLLBACK");
    } catch (const store_error&) {
    }
}

}  // namespace mandrill::sqlite
