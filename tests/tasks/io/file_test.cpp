// Files: through the kernel on io_uring, through threads on epoll, with the same results.
#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

constexpr int read_write = O_RDWR | O_CREAT;

CO_TEST(file, what_was_written_is_read) {
    scratch_folder folder;
    const std::string path = folder.file("notes");
    file written = co_await file::open(path, O_WRONLY | O_CREAT, 0600);
    co_await written.write_all("one, ");
    co_await written.write_all("two");
    co_await written.sync();
    EXPECT_EQ(co_await written.size(), 8U);
    co_await written.close();
    file read = co_await file::open(path);
    EXPECT_EQ(co_await read_to_end(read), "one, two");
    EXPECT_EQ(read.path(), path);
}

CO_TEST(file, more_than_a_chunk_goes_in_and_out) {
    scratch_folder folder;
    const std::string sent(std::size_t{3} << 20, 'm');
    file both = co_await file::open(folder.file("large"), read_write);
    co_await both.write_all_at(bytes_of(sent), 0);
    EXPECT_EQ(co_await both.size(), sent.size());
    std::vector<std::byte> received(sent.size());
    std::size_t filled = 0;
    while (filled < received.size()) {
        const auto rest = std::span(received).subspan(filled);
        const std::size_t count = co_await both.read_at(rest, filled);
        CO_ASSERT_TRUE(count > 0U);
        filled += count;
    }
    EXPECT_TRUE(text_of(received) == sent);
}

CO_TEST(file, appending_goes_to_the_end) {
    scratch_folder folder;
    const std::string path = folder.file("log");
    for (const char* line : {"first\n", "second\n"}) {
        file log = co_await file::open(path, O_WRONLY | O_CREAT | O_APPEND);
        co_await log.write_all(line);
    }
    file log = co_await file::open(path);
    line_reader lines(log);
    EXPECT_EQ(co_await lines.read_line(), "first");
    EXPECT_EQ(co_await lines.read_line(), "second");
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
}

CO_TEST(file, a_missing_file_is_named) {
    scratch_folder folder;
    const std::string path = folder.file("nothing");
    const auto missing = co_await file::try_open(path);
    CO_ASSERT_TRUE(!missing.has_value());
    EXPECT_EQ(missing.error(), std::errc::no_such_file_or_directory);
    try {
        file opened = co_await file::open(path);
        ADD_FAILURE() << "it was there";
    } catch (const std::system_error& error) {
        EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    }
}

CO_TEST(file, many_reads_at_offsets_run_at_once) {
    scratch_folder folder;
    file shared = co_await file::open(folder.file("shared"), read_write);
    co_await shared.write_all("0123456789");
    auto digit_at = [&](std::uint64_t offset) -> coro<std::string> {
        text_space buffer;
        const std::size_t count = co_await shared.read_at(buffer.room().first(1), offset);
        co_return buffer.text(count);
    };
    std::vector<task<std::string>> reads;
    for (std::uint64_t offset = 0; offset < 10; ++offset) {
        reads.push_back(create_task(digit_at(offset)));
    }
    std::string text;
    for (auto& read : reads) text += co_await read;
    EXPECT_EQ(text, "0123456789");
}

CO_TEST(file, a_second_reader_at_the_files_position_is_refused) {
    scratch_folder folder;
    file shared = co_await file::open(folder.file("shared"), read_write);
    co_await shared.write_all_at(bytes_of("data"), 0);
    text_space first_buffer;
    auto first = create_task(shared.read_some(first_buffer.room()));
    co_await yield();  // the first is in flight from here
    text_space second_buffer;
    bool refused = false;
    try {
        co_await shared.read_some(second_buffer.room());
    } catch (const std::system_error& error) {
        refused = error.code() == std::errc::device_or_resource_busy;
    }
    EXPECT_TRUE(refused);
    EXPECT_EQ(co_await first, 4U);
}

CO_TEST(file, an_open_that_is_cancelled_leaks_no_descriptor) {
    scratch_folder folder;
    const std::string path = folder.file("notes");
    auto open_it = [&]() -> coro<> {
        file opened = co_await file::open(path, read_write);
        co_await yield();
    };
    for (int ticks = 0; ticks < 4; ++ticks) {
        auto opening = create_task(open_it());
        for (int tick = 0; tick < ticks; ++tick) co_await yield();
        opening.cancel();
        co_await ends_cancelled(opening);
    }
}

CO_TEST(file, close_waits_for_what_is_in_flight) {
    scratch_folder folder;
    file shared = co_await file::open(folder.file("shared"), read_write);
    co_await shared.write_all_at(bytes_of("data"), 0);
    text_space buffer;
    auto reading = [&]() -> coro<> {
        try {
            co_await shared.read_at(buffer.room(), 0);
        } catch (const std::system_error&) {
            // io_uring may cancel it before it began
        }
    };
    auto reader = create_task(reading());
    co_await yield();
    co_await shared.close();
    co_await yield();
    co_await yield();
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(shared.is_open());
    co_await reader;
}

// A real fsync is made by another thread: one of ours, or one of the kernel's, which the
// loop cannot see. A clock that jumped meanwhile would let the limit pass.
CO_TEST(file, no_timeout_of_a_virtual_clock_overtakes_the_disk) {
    scratch_folder folder;
    file synced = co_await file::open(folder.file("synced"), read_write);
    const time_point before = get_running_loop().time();
    for (int round = 0; round < 10; ++round) {
        co_await synced.write_all("more");
        co_await wait_for(synced.sync(), std::chrono::nanoseconds(1));
    }
    EXPECT_EQ(get_running_loop().time(), before);
}

// The loop is closed at each stage of an open: before it, in mid-flight, and when the descriptor
// has arrived and nobody has taken it.
TEST(file, a_loop_that_closes_over_an_open_leaks_no_descriptor) {
    mayhem::testing::for_each_backend([](backend_kind kind) {
        scratch_folder folder;
        const std::string path = folder.file("notes");
        const std::size_t before = mayhem::testing::open_descriptors();
        constexpr int attempts = 120;  // how far the kernel is by then differs
        for (int attempt = 0; attempt < attempts; ++attempt) {
            event_loop loop(mayhem::testing::test_options(kind).loop);
            loop.set_exception_handler([](event_loop&, const exception_context&) {});
            auto opening = create_task(loop, file::open(path, read_write));
            for (int tick = 0; tick < attempt % 4; ++tick) {
                loop.stop();
                loop.run_forever();
            }
            opening = {};
        }
        EXPECT_EQ(mayhem::testing::open_descriptors(), before);
    });
}

// ---- A loop that closes over a read -------------------------------------------------------------

constexpr std::size_t long_read = std::size_t{1} << 20;

/// Leaves its mark on bytes that are the caller's again.
struct marks_at_end {
    explicit marks_at_end(std::span<std::byte> which) : bytes(which) {}
    marks_at_end(const marks_at_end&) = delete;
    marks_at_end& operator=(const marks_at_end&) = delete;
    ~marks_at_end() { std::ranges::fill(bytes, std::byte{'z'}); }
    std::span<std::byte> bytes;
};

coro<> read_for_ever(std::string path, std::span<std::byte> into, bool& has_begun) {
    file from = co_await file::open(path);
    const marks_at_end mark(into);
    has_begun = true;
    for (;;) co_await from.read_at(into, 0);
}

TEST(file, nothing_is_read_any_more_into_what_a_closed_loop_destroyed) {
    mayhem::testing::for_each_backend([](backend_kind kind) {
        scratch_folder folder;
        const std::string path = folder.file("large");
        std::ofstream(path) << std::string(long_read, 'm');
        std::vector<std::byte> buffer(long_read);
        for (int attempt = 0; attempt < 20; ++attempt) {
            event_loop loop(mayhem::testing::test_options(kind).loop);
            loop.set_exception_handler([](event_loop&, const exception_context&) {});
            bool has_begun = false;
            auto reading = create_task(loop, read_for_ever(path, buffer, has_begun));
            for (int ticks = attempt % 10; !has_begun || --ticks >= 0;) {
                loop.stop();
                loop.run_forever();
            }
            reading = {};
            loop.close();
            ASSERT_EQ(std::ranges::count(buffer, std::byte{'z'}), std::ssize(buffer));
        }
    });
}

}  // namespace
