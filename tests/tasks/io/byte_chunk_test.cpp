// Reads that bring their own memory: what they hold while they wait (nothing), and that no byte and
// no buffer is lost.
#include <cstddef>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "loop/read_buffer.hpp"
#include "loop/uring_backend.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

template <typename Stream>
coro<byte_chunk> read_chunk(Stream& stream) {
    co_return co_await stream.read();
}

CO_TEST(byte_chunk, brings_what_came_and_is_empty_at_the_end) {
    auto [left, right] = unix_stream::pair();
    co_await left.write_all("hello");
    const byte_chunk chunk = co_await right.read();
    EXPECT_EQ(chunk.text(), "hello");
    co_await left.close();
    const byte_chunk end = co_await right.read();
    EXPECT_TRUE(end.empty());
}

CO_TEST(byte_chunk, comes_from_a_pipe_as_well) {
    auto [reader, writer] = make_pipe();
    auto reading = create_task(read_chunk(reader));
    co_await yield();
    co_await writer.write_all("through");
    const byte_chunk chunk = co_await std::move(reading);
    EXPECT_EQ(chunk.text(), "through");
}

// More of them than any backend lends buffers to.
CO_TEST(byte_chunk, takes_hardly_any_memory_before_there_is_something_to_read) {
    constexpr std::size_t lent_max = uring_backend::lent_max;
    constexpr std::size_t many = lent_max + 50;
    const bool lends = get_running_loop().backend_name() == "io_uring";
    const long before = detail::read_buffers_taken();
    std::vector<std::pair<unix_stream, unix_stream>> pairs;
    for (std::size_t index = 0; index < many; ++index) pairs.push_back(unix_stream::pair());
    std::vector<task<byte_chunk>> reading;
    for (auto& [near, far] : pairs) reading.push_back(create_task(read_chunk(near)));
    for (int turn = 0; turn < 3; ++turn) co_await yield();
    EXPECT_EQ(detail::read_buffers_taken() - before, static_cast<long>(lends ? lent_max : 0));
    for (std::size_t index = 0; index < many; ++index) {
        co_await pairs[index].second.write_all(std::to_string(index));
    }
    for (std::size_t index = 0; index < many; ++index) {
        const byte_chunk chunk = co_await std::move(reading[index]);
        EXPECT_EQ(chunk.text(), std::to_string(index));
    }
    reading.clear();
    EXPECT_EQ(detail::read_buffers_taken(), before);
}

CO_TEST(byte_chunk, of_a_cancelled_read_is_left_to_the_next_one) {
    auto [left, right] = unix_stream::pair();
    auto reading = create_task(read_chunk(right));
    co_await yield();
    reading.cancel();
    EXPECT_TRUE(co_await ends_cancelled(std::move(reading)));
    co_await left.write_all("kept");
    const byte_chunk chunk = co_await right.read();
    EXPECT_EQ(chunk.text(), "kept");
}

// Whichever of the two comes first: the bytes are in the chunk, or still in the stream.
CO_TEST(byte_chunk, that_races_with_a_cancellation_loses_no_byte) {
    auto [left, right] = unix_stream::pair();
    const long before = detail::read_buffers_taken();
    std::string sent;
    std::string received;
    for (int round = 0; round < 50; ++round) {
        auto reading = create_task(read_chunk(right));
        for (int turn = round % 4; turn > 0; --turn) co_await yield();
        const std::string text = std::to_string(round);
        sent += text;
        co_await left.write_all(text);
        for (int turn = round % 3; turn > 0; --turn) co_await yield();
        reading.cancel();
        try {
            const byte_chunk chunk = co_await std::move(reading);
            received += chunk.text();
        } catch (const cancelled&) {
        }
    }
    co_await left.close();
    for (;;) {
        const byte_chunk chunk = co_await right.read();
        if (chunk.empty()) break;
        received += chunk.text();
    }
    EXPECT_EQ(received, sent);
    EXPECT_EQ(detail::read_buffers_taken(), before);
}

CO_TEST(byte_chunk, outlives_its_stream) {
    std::optional<byte_chunk> kept;
    {
        auto [left, right] = unix_stream::pair();
        co_await left.write_all("hello");
        kept = co_await right.read();
    }
    EXPECT_EQ(kept->text(), "hello");
}

CO_TEST(byte_chunk, of_a_closed_stream_is_an_error) {
    auto [left, right] = unix_stream::pair();
    co_await right.close();
    const auto got = co_await right.try_read();
    EXPECT_EQ(got.error(), std::errc::bad_file_descriptor);
}

// A read whose bytes have come, and whose task will not run any more.
TEST(byte_chunk_at_close, of_a_loop_that_closes_gives_its_buffer_back) {
    const long before = detail::read_buffers_taken();
    for (const backend_kind kind : {backend_kind::automatic, backend_kind::epoll}) {
        event_loop loop({.backend = kind});
        std::optional<std::pair<unix_stream, unix_stream>> ends;
        loop.call_soon([&] {
            ends.emplace(unix_stream::pair());
            create_task(read_chunk(ends->first));
            loop.call_soon([&] {
                EXPECT_EQ(::write(ends->second.native_handle(), "late", 4), 4);
                loop.call_soon([&] { loop.stop(); });
            });
        });
        loop.run_forever();
        loop.close();
    }
    EXPECT_EQ(detail::read_buffers_taken(), before);
}

}  // namespace
