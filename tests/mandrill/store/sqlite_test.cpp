// The wrapper over SQLite: values, transactions and savepoints, errors with their remedies.
#include "mandrill/store/sqlite.hpp"

#include <gtest/gtest.h>
#include <limits>
#include <sqlite3.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class sqlite_wrapper : public ::testing::Test {
  protected:
    sqlite_wrapper() { db_.execute("CREATE TABLE t (n INTEGER UNIQUE, s TEXT) STRICT"); }
    std::int64_t rows() { return db_.value<std::int64_t>("SELECT count(*) FROM t").value(); }

    scratch_folder folder_;
    sqlite::database db_{folder_ / "t.db", sqlite::database::mode::read_write, 0};
};

TEST_F(sqlite_wrapper, values_come_back_as_they_went_in) {
    const std::string zero_inside("a\0b", 3);
    db_.run("INSERT INTO t VALUES (?1, ?2)", std::numeric_limits<std::int64_t>::min(), zero_inside);
    db_.run("INSERT INTO t VALUES (?1, ?2)", std::optional<int>{}, std::string_view{});
    auto rows = db_.select("SELECT n, s FROM t ORDER BY n IS NULL");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.get<std::int64_t>(0), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(rows.get<std::string>(1), zero_inside);
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.get<std::optional<std::int64_t>>(0), std::nullopt);
    EXPECT_EQ(rows.get<std::optional<std::string>>(1), "");  // empty, not NULL
    EXPECT_FALSE(rows.next());
}

TEST_F(sqlite_wrapper, query_left_half_read_can_be_asked_again) {
    db_.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(db_.value<int>("SELECT n FROM t ORDER BY n"), 1);
}

TEST_F(sqlite_wrapper, transaction_that_is_not_committed_is_rolled_back) {
    {
        sqlite::transaction all(db_);
        db_.run("INSERT INTO t VALUES (1, '')");
    }
    EXPECT_EQ(rows(), 0);
    EXPECT_FALSE(db_.in_transaction());
}

TEST_F(sqlite_wrapper, inner_transaction_is_a_savepoint) {
    sqlite::transaction outer(db_);
    db_.run("INSERT INTO t VALUES (1, '')");
    {
        sqlite::transaction lost(db_);
        db_.run("INSERT INTO t VALUES (2, '')");
        sqlite::transaction kept_in_vain(db_);
        db_.run("INSERT INTO t VALUES (3, '')");
        kept_in_vain.commit();
    }
    {
        sqlite::transaction kept(db_);
        db_.run("INSERT INTO t VALUES (4, '')");
        kept.commit();
    }
    outer.commit();
    EXPECT_EQ(rows(), 2);
}

TEST_F(sqlite_wrapper, commit_after_sqlite_gave_up_the_transaction_is_an_error) {
    sqlite::transaction outer(db_);
    db_.run("INSERT INTO t VALUES (1, '')");
    EXPECT_THROW(db_.run("INSERT OR ROLLBACK INTO t VALUES (1, '')"), store_error);
    EXPECT_THROW(sqlite::transaction{db_}, store_error);  // must not begin one of its own
    try {
        outer.commit();
        FAIL() << "committed nothing and said nothing";
    } catch (const store_error& error) {
        EXPECT_EQ(error.fault(), store_fault::rolled_back);
    }
}

TEST_F(sqlite_wrapper, error_carries_codes_path_sql_and_remedy) {
    db_.run("INSERT INTO t VALUES (1, '')");
    try {
        db_.run("INSERT INTO t\n    VALUES (1, '')");
        FAIL() << "a duplicate was accepted";
    } catch (const store_error& error) {
        EXPECT_EQ(error.code(), SQLITE_CONSTRAINT);
        EXPECT_EQ(error.extended_code(), SQLITE_CONSTRAINT_UNIQUE);
        EXPECT_EQ(error.fault(), store_fault::constraint);
        EXPECT_EQ(error.path(), folder_ / "t.db");
        EXPECT_EQ(error.sql(), "INSERT INTO t\n    VALUES (1, '')");
        const std::string text = error.what();
        EXPECT_NE(text.find("t.db: UNIQUE constraint failed: t.n (SQLite 19, extended 2067) in: "
                            "INSERT INTO t VALUES (1, ''). Remedy: "),
                  std::string::npos)
            << text;
    }
}

TEST_F(sqlite_wrapper, mistake_in_the_sql_is_an_error_that_shows_it) {
    try {
        (void)db_.select("SELEKT 1");
        FAIL() << "SQLite accepted it";
    } catch (const store_error& error) {
        EXPECT_EQ(error.sql(), "SELEKT 1");
    }
}

TEST_F(sqlite_wrapper, snapshot_does_not_see_what_is_committed_meanwhile) {
    db_.execute("PRAGMA journal_mode = WAL");
    sqlite::database reader(folder_ / "t.db", sqlite::database::mode::read_only, 0);
    const auto count = [&] { return reader.value<int>("SELECT count(*) FROM t"); };
    {
        const sqlite::snapshot view(reader);
        EXPECT_EQ(count(), 0);
        db_.run("INSERT INTO t VALUES (1, '')");
        EXPECT_EQ(count(), 0);
    }
    EXPECT_EQ(count(), 1);
}

TEST_F(sqlite_wrapper, every_fault_but_the_unknown_names_a_remedy) {
    for (int fault = 0; fault <= static_cast<int>(store_fault::wrong_version); ++fault) {
        const auto each = static_cast<store_fault>(fault);
        EXPECT_EQ(remedy_for(each).empty(), each == store_fault::other) << fault;
    }
}

}  // namespace
}  // namespace mandrill::test
