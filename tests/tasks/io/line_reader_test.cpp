// Lines out of portions: wherever the portions end, however long the lines are, and whatever is
// cancelled in between.
#include <deque>
#include <gtest/gtest.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

/// A stream that gives the portions of a script, one per read.
class scripted_stream {
  public:
    explicit scripted_stream(std::deque<std::string> portions) : portions_(std::move(portions)) {}

    coro<std::size_t> read_some(std::span<std::byte> buffer) {
        if (portions_.empty()) co_return 0;
        const std::string portion = std::move(portions_.front());
        portions_.pop_front();
        EXPECT_LE(portion.size(), buffer.size());
        std::ranges::copy(bytes_of(portion), buffer.begin());
        co_return portion.size();
    }

  private:
    std::deque<std::string> portions_;
};

using optional_line = std::optional<std::string>;

CO_TEST(line_reader, lines_are_put_together_wherever_the_portions_end) {
    scripted_stream stream({"one\ntw", "o", "\n", "\nfour\nfi", "ve"});
    line_reader lines(stream);
    EXPECT_EQ(co_await lines.read_line(), "one");
    EXPECT_EQ(co_await lines.read_line(), "two");
    EXPECT_EQ(co_await lines.read_line(), "");
    EXPECT_EQ(co_await lines.read_line(), "four");
    EXPECT_EQ(co_await lines.read_line(), "five") << "the last line need not have an end";
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
}

CO_TEST(line_reader, a_line_that_is_too_long_is_refused_once_and_skipped) {
    scripted_stream stream({"short\n12345", "67890", "12345", "tail\nnext\n"});
    line_reader lines(stream, 8);
    EXPECT_EQ(co_await lines.read_line(), "short");
    int refusals = 0;
    optional_line next;
    while (!next) {
        try {
            next = co_await lines.read_line();
        } catch (const std::system_error& error) {
            EXPECT_EQ(error.code(), stream_errc::line_too_long);
            EXPECT_NE(std::string(error.what()).find("8 bytes"), std::string::npos);
            ++refusals;
        }
    }
    EXPECT_EQ(next, "next");
    EXPECT_EQ(refusals, 1);
}

CO_TEST(line_reader, the_bound_is_exact_and_does_not_depend_on_the_portions) {
    const std::deque<std::deque<std::string>> scripts = {
        {"12345678\n123456789\nok\n"},
        {"1234", "5678", "\n", "123456789", "\n", "ok", "\n"},
        {"12345678", "\n1234567", "89\n", "ok\n"},
    };
    for (const auto& script : scripts) {
        scripted_stream stream(script);
        line_reader lines(stream, 8);
        EXPECT_EQ(co_await lines.read_line(), "12345678");
        bool refused = false;
        try {
            co_await lines.read_line();
        } catch (const std::system_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        EXPECT_EQ(co_await lines.read_line(), "ok");
    }
}

CO_TEST(line_reader, a_refused_part_is_skipped_to_its_own_end_by_whatever_reads_next) {
    const std::deque<std::deque<std::string>> scripts = {
        {"123456789abc\r\nrest\n"},
        {"123456789", "abc\r", "\nre", "st\n"},
    };
    for (const auto& script : scripts) {
        for (const bool in_lines : {false, true}) {
            scripted_stream stream(script);
            line_reader reader(stream, 8);
            try {
                co_await reader.read_until("\r\n");
                ADD_FAILURE() << "more than eight bytes were given";
            } catch (const std::system_error& error) {
                EXPECT_EQ(error.code(), stream_errc::line_too_long);
            }
            std::string next;
            if (in_lines) next = (co_await reader.read_line()).value_or("the end");
            if (!in_lines) next = co_await reader.read_exactly(4);
            EXPECT_EQ(next, "rest");
        }
    }
}

CO_TEST(line_reader, a_long_line_without_an_end_does_not_grow_the_buffer) {
    std::deque<std::string> portions;
    for (int number = 0; number < 1000; ++number) portions.emplace_back(1000, 'x');
    scripted_stream stream(std::move(portions));
    line_reader lines(stream, 2000);
    bool refused = false;
    try {
        co_await lines.read_line();
    } catch (const std::system_error&) {
        refused = true;
    }
    EXPECT_TRUE(refused);
    EXPECT_LE(lines.buffered(), 2000U);
    EXPECT_EQ(co_await lines.read_line(), std::nullopt) << "the rest of it is dropped";
}

CO_TEST(line_reader, read_until_finds_a_delimiter_that_comes_in_pieces) {
    scripted_stream stream({"head\r", "\n\r", "\nbody"});
    line_reader reader(stream);
    EXPECT_EQ(co_await reader.read_until("\r\n\r\n"), "head\r\n\r\n");
    EXPECT_EQ(co_await reader.read_exactly(4), "body");
}

CO_TEST(line_reader, what_came_before_the_end_stays_readable) {
    scripted_stream stream({"abc"});
    line_reader reader(stream);
    for (int attempt = 0; attempt < 2; ++attempt) {
        try {
            if (attempt == 0) co_await reader.read_until(";");
            if (attempt == 1) co_await reader.read_exactly(10);
            ADD_FAILURE() << "there was no end";
        } catch (const std::system_error& error) {
            EXPECT_EQ(error.code(), stream_errc::end_of_stream);
        }
    }
    EXPECT_EQ(co_await reader.read_exactly(3), "abc");
}

CO_TEST(line_reader, changing_the_delimiter_looks_at_everything_again) {
    scripted_stream stream({"a;b"});
    line_reader reader(stream);
    try {
        co_await reader.read_until("\n");
    } catch (const std::system_error&) {
    }
    EXPECT_EQ(co_await reader.read_until(";"), "a;");
}

CO_TEST(line_reader, a_cancelled_read_line_keeps_what_had_come) {
    auto [left, right] = unix_stream::pair();
    line_reader lines(left);
    auto reading = [&]() -> coro<optional_line> { co_return co_await lines.read_line(); };
    auto first = create_task(reading());
    co_await right.write_all("half a ");
    for (int tick = 0; tick < 3; ++tick) co_await yield();
    first.cancel();
    EXPECT_TRUE(co_await ends_cancelled(first));
    co_await right.write_all("line\n");
    EXPECT_EQ(co_await lines.read_line(), "half a line");
}

CO_TEST(line_reader, it_reads_pipes_and_tcp_streams_as_well) {
    pipe_ends ends = make_pipe();
    co_await ends.writer.write_all("from a pipe\n");
    line_reader from_pipe(ends.reader);
    EXPECT_EQ(co_await from_pipe.read_line(), "from a pipe");
    tcp_pair connection = co_await make_tcp_pair();
    co_await connection.server.write_all("from afar\n");
    line_reader from_tcp(connection.client);
    EXPECT_EQ(co_await from_tcp.read_line(), "from afar");
}

}  // namespace
