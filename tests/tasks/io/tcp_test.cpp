// TCP: connecting, and a listener that forgets no connection and survives a shortage of
// descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "loop/kernel.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;
using namespace std::chrono_literals;

/// A client that does not go through the loop: connected when this returns.
unique_fd connect_plainly(const address& where) {
    unique_fd socket(kernel::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(kernel::connect(socket.get(), where.data(), where.size()), 0);
    return socket;
}

int connect_error(const address& where) {
    const unique_fd socket(kernel::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    return kernel::connect(socket.get(), where.data(), where.size()) == 0 ? 0 : errno;
}

/// True when the peer has closed or reset the connection.
bool is_hung_up(const unique_fd& socket) {
    char byte = 0;
    return kernel::recv(socket.get(), &byte, 1, 0) <= 0;
}

coro<void> accept_into(tcp_listener& listener, std::vector<tcp_stream>& sink) {
    sink.push_back(co_await listener.accept());
}

/// Lowers the limit of open descriptors to what is open now, as long as it lives.
class descriptor_shortage {
  public:
    descriptor_shortage() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        // The limit is on numbers: fill the gaps below the highest one in use.
        for (;;) {
            unique_fd filler(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
            const rlimit now{static_cast<rlim_t>(filler.get()) + 1, before_.rlim_max};
            fillers_.push_back(std::move(filler));
            if (fillers_.size() >= 64) {
                ::setrlimit(RLIMIT_NOFILE, &now);
                break;
            }
        }
    }
    descriptor_shortage(const descriptor_shortage&) = delete;
    descriptor_shortage& operator=(const descriptor_shortage&) = delete;
    ~descriptor_shortage() { end(); }

    void end() {
        fillers_.clear();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

  private:
    rlimit before_{};
    std::vector<unique_fd> fillers_;
};

CO_TEST(tcp, a_line_goes_there_and_comes_back) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    auto echo = [&]() -> coro<> {
        tcp_stream peer = co_await listener.accept();
        line_reader lines(peer);
        for (;;) {
            auto line = co_await lines.read_line();
            if (!line) co_return;
            co_await peer.write_all(*line + "!\n");
        }
    };
    auto server = create_task(echo());
    tcp_stream client = co_await tcp_stream::connect("localhost", listener.local_address().port());
    co_await client.write_all("hello\n");
    line_reader lines(client);
    EXPECT_EQ(co_await lines.read_line(), "hello!");
    client.shutdown_write();
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
    co_await server;
}

CO_TEST(tcp, the_two_ends_know_each_other_and_do_not_delay_small_writes) {
    tcp_pair ends = co_await make_tcp_pair();
    EXPECT_EQ(ends.client.peer_address(), ends.server.local_address());
    EXPECT_EQ(ends.server.peer_address(), ends.client.local_address());
    for (const tcp_stream* end : {&ends.client, &ends.server}) {
        int no_delay = 0;
        socklen_t length = sizeof no_delay;
        kernel::getsockopt(end->native_handle(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &length);
        EXPECT_NE(no_delay, 0);
    }
}

CO_TEST(tcp, connecting_to_nobody_names_the_address) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    const address where = listener.local_address();
    co_await listener.close();
    const auto refused = co_await tcp_stream::try_connect(where);
    CO_ASSERT_TRUE(!refused.has_value());
    EXPECT_EQ(refused.error(), std::errc::connection_refused);
    try {
        tcp_stream stream = co_await tcp_stream::connect("127.0.0.1", where.port());
        ADD_FAILURE() << "connected to nobody";
    } catch (const std::system_error& error) {
        EXPECT_NE(std::string(error.what()).find(where.to_string()), std::string::npos)
            << error.what();
    }
}

CO_TEST(tcp, a_taken_port_is_an_error_that_names_it) {
    tcp_listener first = tcp_listener::bind(address::loopback(0));
    const address where = first.local_address();
    try {
        const tcp_listener second = tcp_listener::bind(where);
        ADD_FAILURE() << "one port, two listeners";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::address_in_use);
        EXPECT_NE(std::string(error.what()).find(where.to_string()), std::string::npos);
    }
    co_return;
}

CO_TEST(tcp, a_cancelled_connect_ends) {
    // An address that answers nothing (TEST-NET-1); where there is no route at all it fails, which
    // is an end as well.
    auto attempt = []() -> coro<> {
        tcp_stream stream = co_await tcp_stream::connect(*address::numeric("192.0.2.1", 9));
    };
    auto connecting = create_task(attempt());
    co_await yield();
    connecting.cancel();
    co_await ends_cancelled(connecting);
    EXPECT_TRUE(connecting.done());
}

// ---- Accepting ----------------------------------------------------------------------------

CO_TEST(tcp, several_acceptors_are_served_in_order) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::vector<int> order;
    auto acceptor = [&](int number) -> coro<> {
        const tcp_stream stream = co_await listener.accept();
        order.push_back(number);
    };
    auto first = create_task(acceptor(1));
    auto second = create_task(acceptor(2));
    co_await yield();
    const unique_fd one = connect_plainly(listener.local_address());
    const unique_fd two = connect_plainly(listener.local_address());
    co_await first;
    co_await second;
    EXPECT_EQ(order, (std::vector{1, 2}));
}

CO_TEST(tcp, more_connections_than_the_buffer_holds_all_arrive) {
    constexpr std::size_t count = 200;
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::vector<unique_fd> clients;
    std::vector<tcp_stream> accepted;
    for (std::size_t made = 0; made < count; ++made) {
        clients.push_back(connect_plainly(listener.local_address()));
        if (made == 0) co_await accept_into(listener, accepted);  // the accept is armed from here
        if (made % 7 == 0) co_await yield();
    }
    while (accepted.size() < count) co_await accept_into(listener, accepted);
    for (std::size_t at = 0; at < count; ++at) {
        EXPECT_EQ(kernel::send(clients[at].get(), "x", 1, 0), 1);
        text_space buffer;
        EXPECT_EQ(co_await accepted[at].read_some(buffer.room()), 1U);
    }
}

CO_TEST(tcp, connections_that_nobody_wants_stay_in_the_kernel) {
    constexpr std::size_t count = 300;
    constexpr std::size_t bound = 64 + 8;  // what is kept, and what was on its way
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::vector<tcp_stream> accepted;
    std::vector<unique_fd> clients;
    clients.push_back(connect_plainly(listener.local_address()));
    co_await accept_into(listener, accepted);
    const std::size_t before = mayhem::testing::open_descriptors();
    for (std::size_t made = 0; made < count; ++made) {
        clients.push_back(connect_plainly(listener.local_address()));
        co_await yield();
        co_await yield();
    }
    EXPECT_LE(mayhem::testing::open_descriptors(), before + count + bound);
    co_await listener.close();
}

CO_TEST(tcp, a_cancelled_accept_leaves_the_connection_for_the_next_one) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::vector<tcp_stream> accepted;
    auto waiting = create_task(accept_into(listener, accepted));
    co_await yield();
    const unique_fd client = connect_plainly(listener.local_address());
    waiting.cancel();
    EXPECT_TRUE(co_await ends_cancelled(waiting));
    co_await accept_into(listener, accepted);
    EXPECT_EQ(accepted.size(), 1U);
}

CO_TEST(tcp, after_a_cancelled_accept_and_close_connecting_is_refused) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    const address where = listener.local_address();
    std::vector<tcp_stream> accepted;
    auto waiting = create_task(accept_into(listener, accepted));
    co_await yield();
    waiting.cancel();
    EXPECT_TRUE(co_await ends_cancelled(waiting));
    co_await listener.close();
    EXPECT_EQ(connect_error(where), ECONNREFUSED);
}

CO_TEST(tcp, a_destroyed_listener_refuses_at_once) {
    address where;
    {
        tcp_listener listener = tcp_listener::bind(address::loopback(0));
        where = listener.local_address();
        std::vector<tcp_stream> accepted;
        auto waiting = create_task(accept_into(listener, accepted));
        co_await yield();
        waiting.cancel();
        EXPECT_TRUE(co_await ends_cancelled(waiting));
    }
    EXPECT_EQ(connect_error(where), ECONNREFUSED);
}

CO_TEST(tcp, what_was_accepted_for_nobody_is_closed_with_the_listener) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::vector<tcp_stream> accepted;
    auto waiting = create_task(accept_into(listener, accepted));
    co_await yield();
    const unique_fd first = connect_plainly(listener.local_address());
    const unique_fd second = connect_plainly(listener.local_address());
    co_await waiting;
    for (int tick = 0; tick < 3; ++tick) co_await yield();  // the second one is buffered by now
    co_await listener.close();
    EXPECT_TRUE(is_hung_up(second));
}

CO_TEST(tcp, closing_wakes_the_tasks_that_accept) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::error_code seen;
    auto accept_once = [&]() -> coro<> {
        auto stream = co_await listener.try_accept();
        if (!stream) seen = stream.error();
    };
    auto waiting = create_task(accept_once());
    co_await yield();
    co_await listener.close();
    co_await waiting;
    EXPECT_EQ(seen, std::errc::operation_canceled);
    const auto after = co_await listener.try_accept();
    EXPECT_EQ(after.error(), std::errc::bad_file_descriptor);
}

// clang's vptr check opens a pipe to look at memory, and takes its failure for a broken object.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define SANITIZER_NEEDS_DESCRIPTORS
#endif
#endif
#ifndef SANITIZER_NEEDS_DESCRIPTORS
REAL_CO_TEST(tcp, a_shortage_of_descriptors_is_logged_once_and_accepting_recovers,
             "the limit of descriptors is the real kernel's") {
    const mayhem::testing::log_capture log(log_level::warning);
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    const unique_fd client = connect_plainly(listener.local_address());
    std::vector<tcp_stream> accepted;
    const time_point before = get_running_loop().time();
    {
        descriptor_shortage shortage;
        auto waiting = create_task(accept_into(listener, accepted));
        co_await mayhem::sleep(10s);  // of virtual time: it tries again and again
        EXPECT_FALSE(waiting.done());
        shortage.end();
        co_await waiting;
    }
    EXPECT_EQ(accepted.size(), 1U);
    EXPECT_EQ(log.count("no new connections"), 1U);
    EXPECT_LE(get_running_loop().time() - before, 11s + 1ms) << "the pause is a second at most";
}
#endif

}  // namespace
