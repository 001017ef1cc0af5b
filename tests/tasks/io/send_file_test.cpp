// Files into sockets: whole, in part, shorter than announced; and every way in which that ends
// early.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/kernel.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

/// Bytes of which no two neighbourhoods are alike.
std::string some_text(std::size_t size) {
    std::string text;
    for (unsigned number = 0; text.size() < size; ++number) text += std::to_string(number * 7919);
    text.resize(size);
    return text;
}

coro<file> file_of(const scratch_folder& folder, std::string text) {
    file made = co_await file::open(folder.file("served"), O_RDWR | O_CREAT);
    co_await made.write_all_at(bytes_of(text), 0);
    co_return std::move(made);
}

coro<std::uint64_t> send_and_end(socket_stream& to, file& from, std::uint64_t offset,
                                 std::uint64_t count) {
    const std::uint64_t sent = co_await to.send_file(from, offset, count);
    to.shutdown_write();
    co_return sent;
}

CO_TEST(send_file, a_file_arrives_whole_through_tcp) {
    scratch_folder folder;
    const std::string text = some_text(std::size_t{3} << 19);  // three parts
    file served = co_await file_of(folder, text);
    tcp_pair ends = co_await make_tcp_pair();
    auto received = create_task(read_to_end(ends.client));
    const auto sent = co_await send_and_end(ends.server, served, 0, socket_stream::whole_file);
    EXPECT_EQ(sent, text.size());
    EXPECT_TRUE(co_await received == text);
}

CO_TEST(send_file, a_part_of_a_file_goes_through_a_unix_socket_and_the_position_stays) {
    scratch_folder folder;
    file served = co_await file_of(folder, "0123456789");
    auto [left, right] = unix_stream::pair();
    EXPECT_EQ(co_await send_and_end(left, served, 3, 4), 4U);
    EXPECT_EQ(co_await read_to_end(right), "3456");
    text_space buffer;
    EXPECT_EQ(co_await served.read_some(buffer.room()), 10U);
}

CO_TEST(send_file, a_file_that_is_shorter_than_announced_gives_what_it_has) {
    scratch_folder folder;
    file served = co_await file_of(folder, "short");
    auto [left, right] = unix_stream::pair();
    EXPECT_EQ(co_await send_and_end(left, served, 1, 1000), 4U);
    EXPECT_EQ(co_await read_to_end(right), "hort");
}

CO_TEST(send_file, nothing_is_sent_of_nothing_and_from_beyond_the_end) {
    scratch_folder folder;
    file served = co_await file_of(folder, "short");
    auto [left, right] = unix_stream::pair();
    EXPECT_EQ(co_await left.send_file(served, 0, 0), 0U);
    EXPECT_EQ(co_await left.send_file(served, 5), 0U);
    EXPECT_EQ(co_await left.send_file(served, 500, 10), 0U);
    EXPECT_EQ(co_await send_and_end(left, served, 0, socket_stream::whole_file), 5U);
    EXPECT_EQ(co_await read_to_end(right), "short");
}

CO_TEST(send_file, a_file_that_shrinks_meanwhile_ends_there) {
    scratch_folder folder;
    const std::string text = some_text(std::size_t{8} << 20);
    file served = co_await file_of(folder, text);
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(send_and_end(left, served, 0, text.size()));
    co_await yield();
    EXPECT_FALSE(sending.done());  // the socket is full
    EXPECT_EQ(::ftruncate(served.native_handle(), 0), 0);
    const std::string received = co_await read_to_end(right);
    EXPECT_LT(received.size(), text.size());
    EXPECT_EQ(co_await sending, received.size());
}

CO_TEST(send_file, a_dead_peer_is_an_error_and_no_signal) {
    scratch_folder folder;
    file served = co_await file_of(folder, some_text(std::size_t{8} << 20));
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(error_text(left.send_file(served)));
    co_await yield();
    co_await right.close();
    const std::string said = co_await sending;
    EXPECT_NE(said.find("sendfile on descriptor"), std::string::npos) << said;
    const std::string again = co_await error_text(left.send_file(served));
    EXPECT_NE(again.find("sendfile on descriptor"), std::string::npos) << again;
}

CO_TEST(send_file, it_is_cancelled_while_the_peer_does_not_read) {
    scratch_folder folder;
    file served = co_await file_of(folder, some_text(std::size_t{8} << 20));
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(left.send_file(served));
    for (int turns = 0; turns < 5; ++turns) co_await yield();
    sending.cancel();
    EXPECT_TRUE(co_await ends_cancelled(std::move(sending)));
    co_await left.close();
    EXPECT_FALSE((co_await read_to_end(right)).empty());  // what was sent until then
}

CO_TEST(send_file, a_second_writer_is_refused) {
    scratch_folder folder;
    file served = co_await file_of(folder, some_text(std::size_t{8} << 20));
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(left.send_file(served));
    co_await yield();
    const std::string said = co_await error_text(left.send_file(served));
    EXPECT_NE(said.find("another task writes"), std::string::npos) << said;
    sending.cancel();
    EXPECT_TRUE(co_await ends_cancelled(std::move(sending)));
}

CO_TEST(send_file, closing_the_stream_ends_it) {
    scratch_folder folder;
    file served = co_await file_of(folder, some_text(std::size_t{8} << 20));
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(error_text(left.send_file(served)));
    co_await yield();
    co_await left.close();
    const std::string said = co_await sending;
    EXPECT_NE(said.find("stream"), std::string::npos) << said;
    EXPECT_TRUE(served.is_open());
}

CO_TEST(send_file, closing_the_file_ends_it_and_waits) {
    scratch_folder folder;
    file served = co_await file_of(folder, some_text(std::size_t{8} << 20));
    auto [left, right] = unix_stream::pair();
    auto sending = create_task(error_text(left.send_file(served)));
    co_await yield();
    co_await served.close();
    const std::string said = co_await sending;
    EXPECT_NE(said.find("served was closed meanwhile"), std::string::npos) << said;
    EXPECT_TRUE(left.is_open());
    const std::string closed = co_await error_text(left.send_file(served));
    EXPECT_NE(closed.find("closed file"), std::string::npos) << closed;
}

CO_TEST(send_file, what_is_no_regular_file_is_refused) {
    auto [left, right] = unix_stream::pair();
    file nothing = co_await file::open("/", O_RDONLY | O_DIRECTORY);
    EXPECT_FALSE((co_await error_text(left.send_file(nothing))).empty());
}

}  // namespace
