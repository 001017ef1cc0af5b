// A small RAII wrapper over SQLite: a connection, a running query, a transaction.
//
// The store's logic should read as SQL and rules, not as result codes; so every failure becomes a
// `store_error` here, statements are prepared once and kept, and a transaction that is not
// committed is rolled back. Nesting a transaction makes a savepoint: that is the whole mechanism
// behind "several operations in one commit, and a failed one does not take the others with it".
//
// It refuses to be an ORM, to hide SQL, and to be used by two threads at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mandrill/store/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace mandrill::sqlite {

class database;

/// A running statement: its rows, one after the other. Leaving the scope ends it, so that it never
/// holds a lock longer than the code that reads it.
class query {
  public:
    query(query&& other) noexcept;
    query& operator=(query&&) = delete;
    ~query();

    /// Goes to the next row; false after the last. Throws store_error.
    [[nodiscard]] bool next();

    /// The value in `column` (from 0) of the current row: an integer, bool, std::string, or an
    /// optional of these where NULL is possible. REQUIRES: next() returned true.
    template <class T>
    [[nodiscard]] T get(int column) const;

  private:
    friend class database;
    query(database& owner, sqlite3_stmt* statement);

    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view value);
    void bind(int index, std::nullopt_t);
    template <class T>
    void bind_any(int index, const T& value);

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

    database* owner_;
    sqlite3_stmt* statement_;
};

/// One connection. Parameters of statements are written ?1, ?2 ... and bound in order.
class database {
  public:
    enum class mode { read_only, read_write };

    /// Opens the file; `read_write` creates it. Another process's lock is waited for up to
    /// `busy_timeout_ms`. Throws store_error.
    database(const std::filesystem::path& path, mode how, int busy_timeout_ms);
    database(const database&) = delete;
    database& operator=(const database&) = delete;
    ~database();

    /// Runs a script of statements without parameters.
    void execute(const std::string& script);

    /// Starts a query. The prepared statement is kept for the next time: `sql` is a literal, so the
    /// number of kept statements is bounded by the program's text. REQUIRES: the same `sql` is not
    /// being read already.
    template <class... Args>
    [[nodiscard]] query select(std::string_view sql, const Args&... args);

    /// Runs one statement to its end and returns how many rows it changed.
    template <class... Args>
    int run(std::string_view sql, const Args&... args);

    /// The first column of the first row; nullopt when there is no row, or when it holds NULL.
    template <class T, class... Args>
    [[nodiscard]] std::optional<T> value(std::string_view sql, const Args&... args);

    [[nodiscard]] std::int64_t last_insert_id() const;
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    friend class query;
    friend class transaction;
    [[nodiscard]] sqlite3_stmt* prepare(std::string_view sql);
    [[nodiscard]] int changes() const;
    [[noreturn]] void fail(std::string_view sql) const;

    std::filesystem::path path_;
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
    std::map<std::string, std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>, std::less<>>
        statements_;
    int depth_ = 0;  // transactions open: 0 none, 1 a transaction, more are savepoints inside it
};

/// All or nothing. The outermost one is a transaction (it takes the write lock at once, so that it
/// cannot fail half-way for want of it); one inside another is a savepoint. The destructor rolls
/// back what was not committed.
class transaction {
  public:
    explicit transaction(database& db);
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction();

    /// Throws store_error: then nothing of this transaction took effect. A fault `rolled_back`
    /// means that SQLite had given up the whole transaction earlier, after an error in the middle.
    void commit();

  private:
    database& db_;
    bool open_ = true;
};

/// One consistent view for several queries: what others commit meanwhile is not seen. Inside a
/// transaction it does nothing, as that is consistent already.
class snapshot {
  public:
    explicit snapshot(database& db);
    snapshot(const snapshot&) = delete;
    snapshot& operator=(const snapshot&) = delete;
    ~snapshot();

  private:
    database& db_;
    bool mine_;
};

// --- Implementation details follow
// ----------------------------------------------------------------

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
}  // namespace detail

template <class T>
T query::get(int column) const {
    if constexpr (detail::is_optional<T>) {
        if (is_null(column)) return std::nullopt;
        return get<typename T::value_type>(column);
    } else if constexpr (std::is_same_v<T, bool>) {
        return integer(column) != 0;
    } else if constexpr (std::is_integral_v<T>) {
        return static_cast<T>(integer(column));
    } else {
        static_assert(std::is_same_v<T, std::string>);
        return text(column);
    }
}

template <class T>
void query::bind_any(int index, const T& value) {
    if constexpr (detail::is_optional<T>) {
        value ? bind_any(index, *value) : bind(index, std::nullopt);
    } else if constexpr (std::is_integral_v<T>) {
        bind(index, static_cast<std::int64_t>(value));
    } else {
        bind(index, std::string_view(value));
    }
}

template <class... Args>
query database::select(std::string_view sql, const Args&... args) {
    query rows(*this, prepare(sql));
    int index = 0;
    (rows.bind_any(++index, args), ...);
    return rows;
}

template <class... Args>
int database::run(std::string_view sql, const Args&... args) {
    query rows = select(sql, args...);
    while (rows.next()) {
    }
    return changes();
}

template <class T, class... Args>
std::optional<T> database::value(std::string_view sql, const Args&... args) {
    query rows = select(sql, args...);
    if (!rows.next()) return std::nullopt;
    return rows.get<std::optional<T>>(0);
}

}  // namespace mandrill::sqlite
