// Streams of bytes: full duplex, half-close, dead peers, one reader at a time, and above all that a
// cancellation loses nothing. Unix socket pairs stand for every kind of stream.
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>

#include "loop/kernel.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;
using namespace std::chrono_literals;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// Makes writing wait again and again. (The receiving side stays as it is: TCP with a tiny window
/// is slow by design, and tests do not wait.)
void shrink_buffer(const socket_stream& stream) {
    const int tiny = 1;  // the kernel rounds it up to its minimum
    kernel::setsockopt(stream.native_handle(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny);
}

/// Bytes whose order can be checked.
std::vector<std::byte> pattern(std::size_t size, unsigned seed) {
    std::vector<std::byte> bytes(size);
    unsigned state = seed;
    for (std::byte& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::byte>(state >> 24U);
    }
    return bytes;
}

coro<void> send_all(byte_stream& stream, const std::vector<std::byte>& bytes) {
    co_await stream.write_all(bytes);
}

coro<std::vector<std::byte>> receive(byte_stream& stream, std::size_t size) {
    std::vector<std::byte> bytes(size);
    co_await stream.read_exactly(bytes);
    co_return bytes;
}

coro<void> expect_full_duplex(socket_stream& left, socket_stream& right) {
    shrink_buffer(left);
    shrink_buffer(right);
    const auto to_right = pattern(mebibyte, 1);
    const auto to_left = pattern(mebibyte, 2);
    auto first = create_task(send_all(left, to_right));
    auto second = create_task(send_all(right, to_left));
    auto third = create_task(receive(left, mebibyte));
    auto fourth = create_task(receive(right, mebibyte));
    EXPECT_TRUE(co_await third == to_left);
    EXPECT_TRUE(co_await fourth == to_right);
    co_await first;
    co_await second;
}

CO_TEST(stream, a_mebibyte_each_way_at_once_through_tiny_unix_buffers) {
    auto [left, right] = unix_stream::pair();
    co_await expect_full_duplex(left, right);
}

CO_TEST(stream, a_mebibyte_each_way_at_once_through_tiny_tcp_buffers) {
    tcp_pair ends = co_await make_tcp_pair();
    co_await expect_full_duplex(ends.client, ends.server);
}

CO_TEST(stream, after_a_half_close_the_other_direction_still_works) {
    tcp_pair ends = co_await make_tcp_pair();
    ends.client.shutdown_write();
    text_space buffer;
    EXPECT_EQ(co_await ends.server.read_some(buffer.room()), 0U);
    co_await ends.server.write_all("still here");
    const std::size_t count = co_await ends.client.read_some(buffer.room());
    EXPECT_EQ(buffer.text(count), "still here");
}

CO_TEST(stream, writing_to_a_dead_peer_is_an_error_and_not_a_signal) {
    auto [left, right] = unix_stream::pair();
    co_await right.close();
    const auto written = co_await left.try_write_all(bytes_of("anybody?"));
    CO_ASSERT_TRUE(!written.has_value());
    EXPECT_EQ(written.error(), std::errc::broken_pipe);

    tcp_pair ends = co_await make_tcp_pair();
    co_await ends.server.close();
    std::error_code seen;
    while (!seen) {  // the first write may still go into the void
        const auto sent = co_await ends.client.try_write_some(bytes_of("anybody?"));
        if (!sent) seen = sent.error();
    }
    EXPECT_TRUE(seen == std::errc::broken_pipe || seen == std::errc::connection_reset);
}

CO_TEST(stream, an_error_names_the_operation_and_the_descriptor) {
    auto [left, right] = unix_stream::pair();
    co_await right.close();
    const std::string what = co_await error_text(left.write_all("x"));
    EXPECT_NE(what.find("send on descriptor " + std::to_string(left.native_handle())),
              std::string::npos)
        << what;
}

CO_TEST(stream, a_second_reader_is_refused_and_the_first_keeps_waiting) {
    auto [left, right] = unix_stream::pair();
    auto first = create_task(receive(left, 4));
    co_await yield();
    text_space buffer;
    const auto second = co_await left.try_read_some(buffer.room());
    CO_ASSERT_TRUE(!second.has_value());
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    const std::string what = co_await error_text(left.read_exactly(buffer.room()));
    EXPECT_NE(what.find("another task reads from it already"), std::string::npos) << what;
    co_await right.write_all("data");
    EXPECT_EQ(text_of(co_await first), "data");
}

CO_TEST(stream, a_second_writer_is_refused_while_one_waits_for_room) {
    auto [left, right] = unix_stream::pair();
    shrink_buffer(left);
    const auto bytes = pattern(mebibyte, 3);
    auto first = create_task(send_all(left, bytes));
    co_await yield();
    co_await yield();
    const auto second = co_await left.try_write_some(bytes_of("x"));
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_TRUE(co_await receive(right, mebibyte) == bytes);
    co_await first;
}

CO_TEST(stream, read_exactly_says_how_much_came_before_the_end) {
    auto [left, right] = unix_stream::pair();
    co_await right.write_all("abc");
    right.shutdown_write();
    text_space buffer;
    try {
        co_await left.read_exactly(buffer.room().first(10));
        ADD_FAILURE() << "read_exactly gave less than was asked for";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), stream_errc::end_of_stream);
        EXPECT_NE(std::string(error.what()).find("3 of 10"), std::string::npos) << error.what();
    }
}

// ---- Cancellation -------------------------------------------------------------------------

CO_TEST(stream, a_cancelled_read_takes_nothing_and_the_next_one_gets_it) {
    auto [left, right] = unix_stream::pair();
    auto reader = create_task(receive(left, 4));
    co_await yield();
    reader.cancel();
    EXPECT_TRUE(co_await ends_cancelled(reader));
    co_await right.write_all("late");
    EXPECT_EQ(text_of(co_await receive(left, 4)), "late");
}

coro<void> read_into(byte_stream& stream, std::string& sink, bool& cancelled_later) {
    text_space buffer;
    const std::size_t count = co_await stream.read_some(buffer.room());
    sink = buffer.text(count);
    try {
        co_await yield();
    } catch (const cancelled&) {
        cancelled_later = true;
        throw;
    }
}

CO_TEST(stream, bytes_that_race_with_a_cancellation_are_delivered) {
    auto [left, right] = unix_stream::pair();
    std::string sink;
    bool cancelled_later = false;
    auto reader = create_task(read_into(left, sink, cancelled_later));
    co_await yield();
    // In the kernel before the cancel is: whichever wins, the bytes must not be lost.
    CO_ASSERT_EQ(kernel::send(right.native_handle(), "data", 4, 0), 4);
    reader.cancel();
    EXPECT_TRUE(co_await ends_cancelled(reader));
    co_await right.close();  // what was lost is then the end, and no wait
    if (sink.empty()) {
        text_space buffer;
        sink = buffer.text(co_await left.read_some(buffer.room()));
    } else {
        EXPECT_TRUE(cancelled_later) << "the request was not raised at the next await";
    }
    EXPECT_EQ(sink, "data");
}

CO_TEST(stream, a_result_that_is_ready_is_delivered_before_the_cancellation) {
    auto [left, right] = unix_stream::pair();
    std::string sink;
    bool cancelled_later = false;
    auto reader = create_task(read_into(left, sink, cancelled_later));
    co_await yield();
    co_await right.write_all("data");
    // The reader's completion is in the ready queue by now or in this tick's; cancel in between.
    reader.cancel();
    EXPECT_TRUE(co_await ends_cancelled(reader));
    if (sink.empty()) sink = text_of(co_await receive(left, 4));
    EXPECT_EQ(sink, "data");
}

CO_TEST(stream, two_requests_to_cancel_one_read_are_raised_once) {
    auto [left, right] = unix_stream::pair();
    int raised = 0;
    auto stubborn = [&]() -> coro<> {
        text_space buffer;
        for (int attempt = 0; attempt < 3; ++attempt) {
            try {
                co_await left.read_some(buffer.room());
                co_return;
            } catch (const cancelled&) {
                ++raised;
            }
        }
    };
    auto reader = create_task(stubborn());
    co_await yield();
    reader.cancel();
    reader.cancel();
    co_await yield();
    co_await yield();
    co_await right.write_all("x");
    co_await reader;
    EXPECT_EQ(raised, 1);
    EXPECT_EQ(reader.cancelling(), 2);
}

CO_TEST(stream, an_operation_is_not_started_when_its_task_is_cancelled_already) {
    auto [left, right] = unix_stream::pair();
    co_await right.write_all("kept");
    auto eager = [&]() -> coro<> {
        current_task().cancel();
        text_space buffer;
        co_await left.read_some(buffer.room());
    };
    auto reader = create_task(eager());
    EXPECT_TRUE(co_await ends_cancelled(reader));
    EXPECT_EQ(text_of(co_await receive(left, 4)), "kept");
}

CO_TEST(stream, many_cancellations_at_any_moment_lose_no_byte) {
    auto [left, right] = unix_stream::pair();
    std::string received;
    auto portion = [&]() -> coro<> {
        text_space buffer;
        const std::size_t count = co_await left.read_some(buffer.room());
        received += buffer.text(count);
    };
    std::string sent;
    for (int round = 0; round < 200; ++round) {
        auto reader = create_task(portion());
        if (round % 3 != 0) co_await yield();
        const std::string text = std::to_string(round) + ",";
        sent += text;
        if (round % 2 == 0) {
            co_await right.write_all(text);
            reader.cancel();
        } else {
            reader.cancel();
            co_await right.write_all(text);
        }
        co_await ends_cancelled(reader);
    }
    co_await right.close();  // so that a lost byte is the end, and no wait
    for (std::size_t before = sent.size(); before != received.size();) {
        before = received.size();
        co_await portion();
    }
    EXPECT_EQ(received, sent);
}

// ---- Closing ------------------------------------------------------------------------------

coro<void> read_parts(byte_stream& stream, std::size_t size, int count) {
    std::vector<std::byte> part(size);
    for (; count > 0; --count) co_await stream.read_exactly(part);
}

// Bytes that are here are read without a turn of the loop, and yet not all of them in one step.
CO_TEST(stream, a_reader_that_always_finds_data_lets_others_run) {
    auto [left, right] = unix_stream::pair();
    co_await left.write_all(std::string(200, 'x'));
    auto reading = create_task(read_parts(right, 1, 200));
    int turns = 0;
    for (; !reading.done(); ++turns) co_await yield();
    EXPECT_GE(turns, 10);
    co_await reading;
}

// A long operation counts for more than a short one: others wait for their turn, and in the kernel.
CO_TEST(stream, a_reader_of_much_data_lets_others_run_after_fewer_reads) {
    constexpr int parts = 8;
    constexpr std::size_t part = std::size_t{16} << 10;
    auto [left, right] = unix_stream::pair();
    const auto bytes = pattern(parts * part, 5);
    co_await left.write_all(bytes);
    auto reading = create_task(read_parts(right, part, parts));
    co_await yield();
    EXPECT_FALSE(reading.done());
    co_await reading;
}

CO_TEST(stream, close_ends_what_other_tasks_have_in_flight) {
    auto [left, right] = unix_stream::pair();
    std::error_code seen;
    auto read_once = [&]() -> coro<> {
        text_space buffer;
        const auto count = co_await left.try_read_some(buffer.room());
        if (!count) seen = count.error();
    };
    auto reader = create_task(read_once());
    co_await yield();
    co_await left.close();
    EXPECT_FALSE(left.is_open());
    co_await reader;
    EXPECT_EQ(seen, std::errc::operation_canceled);
    text_space buffer;
    EXPECT_EQ(co_await right.read_some(buffer.room()), 0U);
}

CO_TEST(stream, a_closed_stream_refuses_and_may_be_closed_again) {
    auto [left, right] = unix_stream::pair();
    co_await left.close();
    co_await left.close();
    const std::string what = co_await error_text(left.write_all("x"));
    EXPECT_NE(what.find("on a closed stream"), std::string::npos) << what;
}

CO_TEST(stream, a_cancelled_close_closes_all_the_same) {
    auto [left, right] = unix_stream::pair();
    auto read_forever = [&]() -> coro<> {
        text_space buffer;
        static_cast<void>(co_await left.try_read_some(buffer.room()));
    };
    auto close_it = [&]() -> coro<> {
        co_await left.close();
        co_await yield();
    };
    auto reader = create_task(read_forever());
    co_await yield();
    auto closer = create_task(close_it());
    co_await yield();
    closer.cancel();
    EXPECT_TRUE(co_await ends_cancelled(closer));
    EXPECT_FALSE(left.is_open());
    co_await reader;
}

CO_TEST(stream, a_stream_may_be_moved_while_a_read_is_in_flight) {
    auto [left, right] = unix_stream::pair();
    auto reader = create_task(receive(left, 4));
    co_await yield();
    unix_stream moved = std::move(left);
    co_await right.write_all("here");
    EXPECT_EQ(text_of(co_await reader), "here");
    co_await moved.close();
}

CO_TEST(stream, a_suspended_read_says_what_it_waits_for) {
    auto [left, right] = unix_stream::pair();
    auto reader = create_task(receive(left, 1));
    co_await yield();
    const std::string wanted = "recv on descriptor " + std::to_string(left.native_handle());
    EXPECT_NE(reader.describe().find(wanted), std::string::npos) << reader.describe();
    co_await right.write_all("x");
    co_await reader;
}

// The frames of a loop that is closed are destroyed in any order, the stream's before its reader's
// or after it; nothing may be left in flight by then.
TEST(stream, a_loop_closes_over_suspended_readers) {
    mayhem::testing::for_each_backend([](backend_kind kind) {
        const std::size_t before = mayhem::testing::open_descriptors();
        {
            event_loop loop(mayhem::testing::test_options(kind).loop);
            loop.set_exception_handler([](event_loop&, const exception_context&) {});
            auto hold = []() -> coro<> {
                auto ends = unix_stream::pair();
                auto child = create_task(receive(ends.first, 1));
                text_space buffer;
                co_await ends.second.read_some(buffer.room());
            };
            auto main = create_task(loop, hold());
            for (int tick = 0; tick < 3; ++tick) {
                loop.stop();
                loop.run_forever();
            }
            EXPECT_FALSE(main.done());
        }
        EXPECT_EQ(mayhem::testing::open_descriptors(), before);
    });
}

}  // namespace
