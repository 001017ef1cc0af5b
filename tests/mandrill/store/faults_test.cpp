// What the store says when the file is not what it should be, or the disk is full.
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "mandrill/store/schema.hpp"
#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class faults : public ::testing::Test {
  protected:
    void write_file(const std::string& content) { std::ofstream(file_) << content; }
    void write_database(const std::string& sql) {
        sqlite::database(file_, sqlite::database::mode::read_write, 0).execute(sql);
    }
    /// The fault of opening for writing, after checking that reading finds the same.
    store_fault fault_of_opening() {
        const auto fault_of = [](const std::function<void()>& open) {
            try {
                open();
            } catch (const store_error& error) {
                EXPECT_NE(std::string(error.what()).find("mandrill.db"), std::string::npos);
                EXPECT_NE(std::string(error.what()).find("Remedy: "), std::string::npos);
                return error.fault();
            }
            return store_fault::other;
        };
        const store_fault writing = fault_of([this] { message_store{store_options(file_)}; });
        EXPECT_EQ(fault_of([this] { (void)message_reader(file_).summarize(); }), writing);
        return writing;
    }
    void publish_many(message_store& store, int count) {
        const std::string padding(1'000, 'x');
        for (int i = 0; i < count; ++i) {
            const request wish("id-" + std::to_string(i), "cattle-" + std::to_string(i), padding);
            store.publish(wish, start);
        }
    }

    scratch_folder folder_;
    std::filesystem::path file_ = folder_ / "mandrill.db";
};

TEST_F(faults, text_file_is_not_a_database) {
    write_file(std::string(5'000, 'x'));
    EXPECT_EQ(fault_of_opening(), store_fault::not_a_database);
}

TEST_F(faults, missing_folder_cannot_be_opened) {
    file_ = folder_.path() / "missing" / "mandrill.db";
    EXPECT_EQ(fault_of_opening(), store_fault::cannot_open);
}

TEST_F(faults, reader_does_not_create_a_database) {
    EXPECT_THROW(message_reader{file_}, store_error);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(faults, empty_file_becomes_a_database) {
    write_file("");
    EXPECT_THROW(message_reader{file_}, store_error);
    {
        message_store store{store_options(file_)};
    }
    EXPECT_EQ(message_reader(file_).list().size(), 0u);
}

TEST_F(faults, database_of_another_program_is_left_alone) {
    write_database("CREATE TABLE bookmarks (url TEXT)");
    EXPECT_EQ(fault_of_opening(), store_fault::foreign_database);
    write_database("INSERT INTO bookmarks VALUES ('x')");
}

TEST_F(faults, newer_schema_is_refused_with_both_versions) {
    {
        message_store store{store_options(file_)};
    }
    write_database("PRAGMA user_version = 99");
    EXPECT_EQ(fault_of_opening(), store_fault::wrong_version);
    try {
        message_reader reader(file_);
    } catch (const store_error& error) {
        EXPECT_NE(
            std::string(error.what())
                .find("version 99, this program knows up to " + std::to_string(schema_version())),
            std::string::npos)
            << error.what();
    }
}

TEST_F(faults, damaged_file_is_found_when_it_is_opened) {
    {
        message_store store{store_options(file_)};
        publish_many(store, 50);
    }
    {
        std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
        const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file_));
        file.seekp(4'096);  // behind the first page, so that it still looks like a database
        file << std::string(static_cast<std::size_t>(size - 4'096), '\xa5');
    }
    EXPECT_EQ(fault_of_opening(), store_fault::corrupt);
}

TEST_F(faults, file_cut_short_is_found_when_it_is_opened) {
    {
        message_store store{store_options(file_)};
        publish_many(store, 50);
    }
    std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
    try {
        message_store store{store_options(file_)};
        FAIL() << "half a database was accepted";
    } catch (const store_error& error) {
        EXPECT_EQ(error.fault(), store_fault::corrupt);
    }
}

TEST_F(faults, locked_by_another_program_is_told_as_such) {
    store_options options(file_);
    options.busy_timeout_ms = 0;
    message_store store(options);
    sqlite::database shell(file_, sqlite::database::mode::read_write, 0);
    shell.execute("BEGIN IMMEDIATE");
    try {
        store.publish(request("id-1", "cattle-aaaa"), start);
        FAIL() << "wrote through another program's lock";
    } catch (const store_error& error) {
        EXPECT_EQ(error.fault(), store_fault::busy);
    }
    shell.execute("ROLLBACK");
    EXPECT_TRUE(store.publish(request("id-1", "cattle-aaaa"), start));
}

// --- A full disk
// ----------------------------------------------------------------------------------

class full_disk : public faults {
  protected:
    full_disk() { options_.pages_max = 40; }

    store_options options_{file_};
};

TEST_F(full_disk, refuses_new_requests_and_keeps_the_old_ones) {
    std::int64_t published = 0;
    {
        message_store store(options_);
        try {
            publish_many(store, 1'000);
            FAIL() << "the disk was never full";
        } catch (const store_error& error) {
            EXPECT_EQ(error.fault(), store_fault::disk_full);
            EXPECT_EQ(error.code(), SQLITE_FULL);
            EXPECT_NE(error.remedy().find("free some space"), std::string::npos);
        }
        published = store.reader().summarize().published;
        EXPECT_GT(published, 0);
        EXPECT_EQ(store.reader().summarize().lost, 0);
    }
    message_store with_space{store_options(file_)};
    EXPECT_EQ(with_space.reader().summarize().published, published);
    EXPECT_EQ(with_space.pull(10, start, lease).size(), 10u);
    publish_many(with_space, 1'000);
    EXPECT_EQ(with_space.reader().summarize().published, 1'000);
}

TEST_F(full_disk, batch_tells_apart_what_fitted_and_what_did_not) {
    message_store store(options_);
    std::vector<std::move_only_function<void()>> work;
    for (int i = 0; i < 200; ++i) {
        work.emplace_back([&store, i] {
            const request wish("id-" + std::to_string(i), "cattle", std::string(1'000, 'x'));
            store.publish(wish, start);
        });
    }
    std::int64_t fitted = 0;
    try {
        for (const auto& error : store.batch(work)) fitted += error == nullptr ? 1 : 0;
        EXPECT_GT(fitted, 0);
    } catch (const store_error&) {
        // SQLite may give up the whole transaction instead: then nothing of it is there.
    }
    EXPECT_LT(fitted, 200);
    EXPECT_EQ(store.reader().summarize().published, fitted);
    EXPECT_EQ(store.reader().summarize().lost, 0);
}

}  // namespace
}  // namespace mandrill::test
