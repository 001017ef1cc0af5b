// The ledger of boots: appended, read back, and tolerant of a torn last line.
#include "mandrill/fleet/ledger.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "tests/support/scratch_folder.hpp"

namespace mandrill {
namespace {

boot_record boot(std::string host, std::string boot_id, std::string request = "") {
    boot_record made;
    made.at_ms = 1'700'000'000'123;
    made.host = std::move(host);
    made.boot_id = std::move(boot_id);
    made.pid = 4711;
    made.port = 40'001;
    made.request = std::move(request);
    return made;
}

void append_raw(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::app) << text;
}

class ledger_test : public ::testing::Test {
  protected:
    mayhem::test::scratch_folder folder_;
    ledger ledger_{folder_ / "ledger"};
};

TEST_F(ledger_test, what_was_written_is_read_back_in_order) {
    const boot_record first = boot("cattle-aaaa", "id-1");
    const boot_record second = boot("cattle-bbbb", "id-2", R"(a "quoted" request)");
    ledger_.append(first);
    ledger_.append(second);
    const ledger_contents read = ledger_.read();
    EXPECT_EQ(read.boots, (std::vector{first, second}));
    EXPECT_EQ(read.damaged_lines, 0U);
}

TEST_F(ledger_test, a_file_that_does_not_exist_is_an_empty_ledger) {
    EXPECT_TRUE(ledger_.read().boots.empty());
}

TEST_F(ledger_test, a_line_is_json_with_its_keys_in_order) {
    EXPECT_EQ(to_json_line(boot("cattle-aaaa", "id-1", "r-1")),
              R"({"at":1700000000123,"host":"cattle-aaaa","boot_id":"id-1","pid":4711,)"
              R"("port":40001,"request":"r-1"})");
}

TEST_F(ledger_test, a_torn_last_line_is_stepped_over) {
    ledger_.append(boot("cattle-aaaa", "id-1"));
    append_raw(ledger_.file(), R"({"at":1,"host":"cattle-aaaa","boot_)");
    const ledger_contents read = ledger_.read();
    EXPECT_EQ(read.boots.size(), 1U);
    EXPECT_EQ(read.damaged_lines, 1U);
}

TEST_F(ledger_test, a_torn_line_does_not_take_the_next_one_with_it) {
    append_raw(ledger_.file(), R"({"at":1,"host":"cattle-aaaa","boot_)");
    ledger_.append(boot("cattle-aaaa", "id-2"));
    const ledger_contents read = ledger_.read();
    ASSERT_EQ(read.boots.size(), 1U);
    EXPECT_EQ(read.boots[0].boot_id, "id-2");
    EXPECT_EQ(read.damaged_lines, 1U);
}

TEST_F(ledger_test, foreign_lines_are_counted_and_not_believed) {
    append_raw(ledger_.file(), "hello\n[1,2]\n{\"at\":\"noon\"}\n\n\xff\xfe\n");
    const ledger_contents read = ledger_.read();
    EXPECT_TRUE(read.boots.empty());
    EXPECT_EQ(read.damaged_lines, 4U);
}

TEST_F(ledger_test, a_request_that_is_not_utf8_does_not_keep_a_host_from_booting) {
    ledger_.append(boot("cattle-aaaa", "id-1", "\xff"));
    EXPECT_EQ(ledger_.read().boots.size(), 1U);
}

TEST_F(ledger_test, a_folder_that_does_not_exist_is_an_error) {
    const ledger nowhere(folder_ / "missing" / "ledger");
    EXPECT_THROW(nowhere.append(boot("cattle-aaaa", "id-1")), std::system_error);
    EXPECT_TRUE(nowhere.read().boots.empty());
}

TEST_F(ledger_test, lines_of_many_writers_do_not_mix) {
    constexpr int writers = 4;
    constexpr int lines = 25;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&] {
            for (int line = 0; line < lines; ++line) ledger_.append(boot("cattle-aaaa", "id"));
        });
    }
    for (std::thread& one : threads) one.join();
    const ledger_contents read = ledger_.read();
    EXPECT_EQ(read.boots.size(), std::size_t{writers * lines});
    EXPECT_EQ(read.damaged_lines, 0U);
}

TEST_F(ledger_test, the_last_boot_of_a_host_is_its_latest_line) {
    const std::vector boots{boot("cattle-aaaa", "id-1"), boot("cattle-bbbb", "id-2"),
                            boot("cattle-aaaa", "id-3")};
    EXPECT_EQ(last_boot_of(boots, "cattle-aaaa")->boot_id, "id-3");
    EXPECT_EQ(last_boot_of(boots, "cattle-bbbb")->boot_id, "id-2");
    EXPECT_FALSE(last_boot_of(boots, "cattle-cccc"));
}

TEST_F(ledger_test, the_boots_of_a_request_are_those_made_for_it) {
    const std::vector boots{boot("cattle-aaaa", "id-1"), boot("cattle-aaaa", "id-2", "r-1"),
                            boot("cattle-aaaa", "id-3", "r-2")};
    ASSERT_EQ(boots_of(boots, "r-1").size(), 1U);
    EXPECT_EQ(boots_of(boots, "r-1")[0].boot_id, "id-2");
    EXPECT_TRUE(boots_of(boots, "r-3").empty());
}

}  // namespace
}  // namespace mandrill
