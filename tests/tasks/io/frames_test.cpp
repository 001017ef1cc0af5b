// Messages that fill the reader's buffer exactly: what epoll_backend.hpp calls trust. When the last
// few left nothing behind, the next read waits without having tried; these tests send what that
// trust does not expect.
#include <array>
#include <gtest/gtest.h>
#include <string>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;
using namespace std::chrono_literals;

constexpr std::size_t frame_size = 16;
const std::string frame(frame_size, 'x');

/// Gives a value, which a cancellation that comes too late does not take away.
coro<bool> read_frame(byte_stream& stream) {
    std::array<std::byte, frame_size> bytes;
    co_await stream.read_exactly(bytes);
    co_return true;
}

/// Single frames, so often that the next one is believed to be the only one.
coro<> send_singles(byte_stream& from, byte_stream& to) {
    for (int count = 0; count < 8; ++count) {
        auto reading = create_task(read_frame(to));
        co_await yield();
        co_await from.write_all(frame);
        co_await reading;
    }
}

CO_TEST(frames, a_second_one_behind_the_first_is_there_before_any_timeout) {
    auto [left, right] = unix_stream::pair();
    co_await send_singles(left, right);
    co_await left.write_all(frame + frame);
    co_await read_frame(right);
    const time_point before = get_running_loop().time();
    co_await wait_for(read_frame(right), 1h);
    EXPECT_EQ(get_running_loop().time(), before);
}

CO_TEST(frames, a_reader_that_gave_up_and_reads_again_finds_what_is_there) {
    auto [left, right] = unix_stream::pair();
    co_await send_singles(left, right);
    co_await left.write_all(frame + frame);
    co_await read_frame(right);
    auto impatient = create_task(read_frame(right));
    co_await yield();  // it waits now, or has read the frame
    impatient.cancel();
    const auto ended = co_await gather(return_exceptions, std::move(impatient));
    if (std::get<0>(ended).has_value()) co_return;
    std::array<std::byte, frame_size> rest;  // it may have taken a part
    co_await wait_for(right.read_some(rest), 1h);
}

coro<> write_much(byte_stream& stream, std::size_t size) {
    const std::string much(size, 'y');
    co_await stream.write_all(much);
}

CO_TEST(frames, a_write_that_is_half_done_when_its_stream_is_closed_ends_as_cancelled) {
    auto [left, right] = unix_stream::pair();
    auto writing = create_task(write_much(left, std::size_t{8} << 20));
    co_await yield();
    std::array<std::byte, 4096> some;
    co_await right.read_some(some);
    co_await left.close();
    std::error_code code;
    try {
        co_await writing;
    } catch (const std::system_error& error) {
        code = error.code();
    }
    EXPECT_EQ(code, std::errc::operation_canceled);
}

}  // namespace
