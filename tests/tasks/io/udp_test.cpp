// Datagrams, each whole.
#include <gtest/gtest.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

CO_TEST(udp, a_datagram_arrives_with_its_sender) {
    udp_socket server = udp_socket::bind(address::loopback(0));
    udp_socket client = udp_socket::connect(server.local_address());
    co_await client.send(bytes_of("ping"));
    text_space buffer;
    const datagram ping = co_await server.receive_from(buffer.room());
    EXPECT_EQ(buffer.text(ping.size), "ping");
    EXPECT_FALSE(ping.truncated);
    EXPECT_EQ(ping.from, client.local_address());
    co_await server.send_to(bytes_of("pong"), ping.from);
    const datagram pong = co_await client.receive_from(buffer.room());
    EXPECT_EQ(buffer.text(pong.size), "pong");
    EXPECT_EQ(pong.from, server.local_address());
}

CO_TEST(udp, datagrams_are_not_joined_and_a_cut_one_says_so) {
    udp_socket server = udp_socket::bind(address::loopback(0));
    udp_socket client = udp_socket::connect(server.local_address());
    co_await client.send(bytes_of(""));
    co_await client.send(bytes_of("too long"));
    text_space buffer;
    EXPECT_EQ((co_await server.receive_from(buffer.room())).size, 0U) << "empty is not the end";
    const datagram cut = co_await server.receive_from(buffer.room().first(3));
    EXPECT_EQ(buffer.text(cut.size), "too");
    EXPECT_TRUE(cut.truncated);
}

CO_TEST(udp, nobody_there_is_an_error_of_a_connected_socket) {
    address where;
    {
        const udp_socket gone = udp_socket::bind(address::loopback(0));
        where = gone.local_address();
    }
    udp_socket client = udp_socket::connect(where);
    co_await client.send(bytes_of("anybody?"));
    text_space buffer;
    const auto answer = co_await client.try_receive_from(buffer.room());
    CO_ASSERT_TRUE(!answer.has_value());
    EXPECT_EQ(answer.error(), std::errc::connection_refused);
}

CO_TEST(udp, a_datagram_that_is_too_long_is_refused) {
    udp_socket server = udp_socket::bind(address::loopback(0));
    const std::vector<std::byte> huge(70000);
    const auto sent = co_await server.try_send_to(huge, server.local_address());
    CO_ASSERT_TRUE(!sent.has_value());
    EXPECT_EQ(sent.error(), std::errc::message_size);
}

CO_TEST(udp, a_cancelled_receive_takes_nothing) {
    udp_socket server = udp_socket::bind(address::loopback(0));
    udp_socket client = udp_socket::connect(server.local_address());
    text_space buffer;
    auto receiving = [&]() -> coro<> { co_await server.receive_from(buffer.room()); };
    auto receiver = create_task(receiving());
    co_await yield();
    const auto second = co_await server.try_receive_from(buffer.room());
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    receiver.cancel();
    EXPECT_TRUE(co_await ends_cancelled(receiver));
    co_await client.send(bytes_of("late"));
    EXPECT_EQ((co_await server.receive_from(buffer.room())).size, 4U);
    co_await server.close();
    EXPECT_FALSE(server.is_open());
}

}  // namespace
