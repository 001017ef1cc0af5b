// What every backend does with every opcode, in the order of the opcodes.
#include "loop/backend.hpp"

#include <array>
#include <deque>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <vector>

#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/waiting_receive.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_test : public backend_suite {};
INSTANTIATE_TEST_SUITE_P(every, backend_test, every_backend(), name_of);

TEST_P(backend_test, a_nop_completes_once_and_leaves_nothing_in_flight) {
    test_operation op;
    op.prepare_nop();
    driver->submit(op);
    EXPECT_EQ(op.runs, 0) << "user code ran inside submit";
    driver.wait_for([&] { return op.runs > 0; });
    driver.tick(wait::no);
    EXPECT_EQ(op.runs, 1);
    EXPECT_EQ(op.result, 0);
    EXPECT_EQ(op.state, operation_state::completed);
    EXPECT_EQ(driver->in_flight(), 0U);
}

TEST_P(backend_test, operations_that_need_no_waiting_complete_in_their_order) {
    std::deque<test_operation> ops(20);
    std::vector<test_operation*> order;
    for (test_operation& op : ops) {
        op.order = &order;
        op.prepare_nop();
        driver->submit(op);
    }
    driver.wait_for([&] { return order.size() == ops.size(); });
    for (std::size_t index = 0; index < ops.size(); ++index) EXPECT_EQ(order[index], &ops[index]);
}

TEST_P(backend_test, what_completes_at_once_is_told_so_and_not_queued) {
    const auto [near, far] = make_socket_pair();
    test_operation send;
    send.prepare_send(far.get(), bytes_of("hello"));
    const bool at_once = driver->start(send);
    EXPECT_EQ(at_once, GetParam().kind == backend_kind::epoll);
    if (at_once) {
        EXPECT_EQ(send.state, operation_state::completed);
        EXPECT_EQ(driver->in_flight(), 0U);
        driver.tick(wait::no);
        EXPECT_EQ(send.runs, 0);
    } else {
        driver.wait_for([&] { return send.runs == 1; });
    }
    EXPECT_EQ(send.result, 5);
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space());
    EXPECT_EQ(buffer.text(driver.complete(receive)), "hello");
}

TEST_P(backend_test, what_does_not_complete_at_once_completes_later_and_once) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space());
    EXPECT_FALSE(driver->start(receive));
    EXPECT_EQ(driver->in_flight(), 1U);
    write_text(far.get(), "hello");
    driver.wait_for([&] { return receive.runs > 0; });
    driver.tick(wait::no);
    EXPECT_EQ(receive.runs, 1);
    EXPECT_EQ(buffer.text(receive.result), "hello");
}

TEST_P(backend_test, recv_waits_for_send) {
    waiting_receive receive(driver);
    driver.tick(wait::no);
    EXPECT_EQ(receive.op.runs, 0);
    EXPECT_EQ(driver->in_flight(), 1U);
    test_operation send;
    send.prepare_send(receive.far.get(), bytes_of("hello"));
    EXPECT_EQ(driver.complete(send), 5);
    driver.wait_for([&] { return receive.op.runs == 1; });
    EXPECT_EQ(receive.buffer.text(receive.op.result), "hello");
}

TEST_P(backend_test, read_waits_for_write) {
    const auto [reader, writer] = make_pipe();
    text_buffer buffer;
    test_operation read;
    read.prepare_read(reader.get(), buffer.space());
    driver->submit(read);
    driver.tick(wait::no);
    EXPECT_EQ(read.runs, 0);
    test_operation write;
    write.prepare_write(writer.get(), bytes_of("hello"));
    EXPECT_EQ(driver.complete(write), 5);
    driver.wait_for([&] { return read.runs == 1; });
    EXPECT_EQ(buffer.text(read.result), "hello");
}

TEST_P(backend_test, messages_keep_their_bounds_and_gather_from_many_buffers) {
    const auto [near, far] = make_socket_pair(SOCK_NONBLOCK, SOCK_DGRAM);
    std::string one = "one, ";
    std::string two = "two";
    std::array<iovec, 2> parts{iovec{one.data(), one.size()}, iovec{two.data(), two.size()}};
    msghdr outgoing{};
    outgoing.msg_iov = parts.data();
    outgoing.msg_iovlen = parts.size();
    text_buffer buffer;
    iovec space{buffer.space().data(), buffer.space().size()};
    msghdr incoming{};
    incoming.msg_iov = &space;
    incoming.msg_iovlen = 1;

    test_operation receive;
    receive.prepare_recvmsg(near.get(), incoming);
    driver->submit(receive);
    driver.tick(wait::no);
    EXPECT_EQ(receive.runs, 0);
    test_operation send;
    send.prepare_sendmsg(far.get(), outgoing);
    EXPECT_EQ(driver.complete(send), 8);
    driver.wait_for([&] { return receive.runs == 1; });
    EXPECT_EQ(buffer.text(receive.result), "one, two");
}

TEST_P(backend_test, connect_and_accept_meet) {
    const auto listener = make_tcp_listener();
    test_operation accept;
    accept.prepare_accept(listener.fd.get());
    driver->submit(accept);
    const unique_fd client = make_tcp_socket();
    test_operation connect;
    connect.prepare_connect(client.get(), listener.where(), listener.length);
    EXPECT_EQ(driver.complete(connect), 0);
    driver.wait_for([&] { return accept.runs == 1; });
    ASSERT_GE(accept.result, 0);
    const unique_fd server(accept.result);
    EXPECT_TRUE(is_non_blocking(server.get()));
    EXPECT_NE(kernel::fcntl(server.get(), F_GETFD) & FD_CLOEXEC, 0);
    write_text(client.get(), "hi");
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(server.get(), buffer.space());
    EXPECT_EQ(driver.complete(receive), 2);
}

TEST_P(backend_test, a_connect_that_is_refused_says_so) {
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        auto listener = make_tcp_listener();
        listener.fd.reset();
        const unique_fd client = make_tcp_socket(flags);
        test_operation connect;
        connect.prepare_connect(client.get(), listener.where(), listener.length);
        EXPECT_EQ(driver.complete(connect), -ECONNREFUSED);
        driver->forget(client.get());
    }
}

TEST_P(backend_test, a_unix_connect_to_a_full_queue_answers_eagain) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // An abstract name: nothing is left behind in the file system.
    const std::string name = "mayhem-" + std::to_string(::getpid());
    name.copy(&address.sun_path[1], name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const auto* const where = reinterpret_cast<const sockaddr*>(&address);
    const unique_fd listener(kernel::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(kernel::bind(listener.get(), where, length), 0);
    ASSERT_EQ(kernel::listen(listener.get(), 0), 0);
    const unique_fd first(kernel::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ASSERT_EQ(kernel::connect(first.get(), where, length), 0);
    const unique_fd second(kernel::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    test_operation connect;
    connect.prepare_connect(second.get(), where, length);
    EXPECT_EQ(driver.complete(connect), -EAGAIN);
}

TEST_P(backend_test, poll_completes_with_what_is_ready) {
    const auto [near, far] = make_socket_pair();
    test_operation writable;
    writable.prepare_poll(near.get(), POLLIN | POLLOUT);
    EXPECT_EQ(driver.complete(writable), POLLOUT);
    test_operation readable;
    readable.prepare_poll(near.get(), POLLIN);
    driver->submit(readable);
    driver.tick(wait::no);
    EXPECT_EQ(readable.runs, 0);
    write_text(far.get(), "x");
    driver.wait_for([&] { return readable.runs == 1; });
    EXPECT_EQ(readable.result, POLLIN);
}

TEST_P(backend_test, poll_hears_of_a_hang_up_without_asking_for_it) {
    auto [near, far] = make_socket_pair();
    test_operation poll;
    poll.prepare_poll(near.get(), POLLIN);
    driver->submit(poll);
    driver.tick(wait::no);
    far.reset();
    driver.wait_for([&] { return poll.runs == 1; });
    EXPECT_NE(poll.result & POLLHUP, 0);
}

TEST_P(backend_test, files_are_opened_written_synced_measured_read_and_closed) {
    const std::string path = testing::TempDir() + "mayhem_backend_test_" +
                             name_of(testing::TestParamInfo(GetParam(), 0));
    test_operation op;
    op.prepare_openat(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const int file = driver.complete(op);
    ASSERT_GE(file, 0);
    op.prepare_write(file, bytes_of("0123456789"));
    EXPECT_EQ(driver.complete(op), 10);
    op.prepare_write(file, bytes_of("ab"), 4);
    EXPECT_EQ(driver.complete(op), 2);
    op.prepare_fsync(file);
    EXPECT_EQ(driver.complete(op), 0);
    op.prepare_fsync(file, true);
    EXPECT_EQ(driver.complete(op), 0);
    struct statx status{};
    op.prepare_statx(AT_FDCWD, path.c_str(), 0, STATX_SIZE, &status);
    EXPECT_EQ(driver.complete(op), 0);
    EXPECT_EQ(status.stx_size, 10U);
    text_buffer buffer;
    op.prepare_read(file, buffer.space(), 3);
    EXPECT_EQ(buffer.text(driver.complete(op)), "3ab6789");
    // The file's own position is behind what was written there.
    op.prepare_read(file, buffer.space());
    EXPECT_EQ(driver.complete(op), 0);
    op.prepare_close(file);
    EXPECT_EQ(driver.complete(op), 0);
    EXPECT_EQ(kernel::fcntl(file, F_GETFD), -1);
    ::unlink(path.c_str());
}

TEST_P(backend_test, errors_complete_like_results) {
    test_operation op;
    op.prepare_openat(AT_FDCWD, "/does/not/exist", O_RDONLY, 0);
    EXPECT_EQ(driver.complete(op), -ENOENT);
    text_buffer buffer;
    op.prepare_read(-1, buffer.space());
    EXPECT_EQ(driver.complete(op), -EBADF);
    op.prepare_recv(1 << 30, buffer.space());
    EXPECT_EQ(driver.complete(op), -EBADF);
    op.prepare_poll(1 << 29, POLLIN);
    EXPECT_EQ(driver.complete(op), -EBADF);
    op.prepare_close(1 << 29);
    EXPECT_EQ(driver.complete(op), -EBADF);
    const auto [reader, writer] = make_pipe();
    op.prepare_recv(reader.get(), buffer.space());
    EXPECT_EQ(driver.complete(op), -ENOTSOCK);
}

TEST_P(backend_test, a_send_to_a_dead_peer_is_an_error_and_no_signal) {
    auto [near, far] = make_socket_pair();
    far.reset();
    test_operation send;
    send.prepare_send(near.get(), bytes_of("anybody?"));
    EXPECT_EQ(driver.complete(send), -EPIPE);
    iovec nothing{};
    msghdr message{};
    message.msg_iov = &nothing;
    send.prepare_sendmsg(near.get(), message);
    EXPECT_EQ(driver.complete(send), -EPIPE);
}

TEST_P(backend_test, after_a_half_close_reading_ends_and_writing_goes_on) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space());
    driver->submit(receive);
    driver.tick(wait::no);
    ASSERT_EQ(kernel::shutdown(far.get(), SHUT_WR), 0);
    driver.wait_for([&] { return receive.runs == 1; });
    EXPECT_EQ(receive.result, 0);
    test_operation send;
    send.prepare_send(near.get(), bytes_of("still here"));
    EXPECT_EQ(driver.complete(send), 10);
    char text[16];
    EXPECT_EQ(kernel::read(far.get(), text, sizeof text), 10);
}

TEST_P(backend_test, a_full_socket_holds_a_send_back_until_the_peer_reads) {
    const auto [near, far] = make_socket_pair();
    const std::string block(64 * 1024, 'x');
    test_operation send;
    std::size_t sent = 0;
    for (;;) {
        send.prepare_send(near.get(), bytes_of(block));
        driver->submit(send);
        driver.tick(wait::no);
        if (send.state == operation_state::in_flight) break;
        ASSERT_GT(send.result, 0);
        sent += static_cast<std::size_t>(send.result);
    }
    EXPECT_EQ(driver->in_flight(), 1U);
    std::string received(256 * 1024, '\0');
    std::size_t count = 0;
    while (send.state == operation_state::in_flight || count < sent) {
        const ssize_t got = kernel::read(far.get(), received.data(), received.size());
        if (got > 0) count += static_cast<std::size_t>(got);
        driver.tick(wait::no);
        if (send.state == operation_state::completed && send.result > 0) {
            sent += static_cast<std::size_t>(send.result);
            send.result = 0;
        }
    }
    EXPECT_EQ(count, sent);
}

TEST_P(backend_test, an_operation_is_used_again_and_again) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation op;
    for (int round = 0; round < 1000; ++round) {
        op.prepare_send(near.get(), bytes_of("ping"));
        ASSERT_EQ(driver.complete(op), 4);
        op.prepare_recv(far.get(), buffer.space());
        ASSERT_EQ(driver.complete(op), 4);
    }
    EXPECT_EQ(op.runs, 2000);
}

TEST_P(backend_test, work_that_is_ready_keeps_poll_from_blocking) {
    const auto [reader, writer] = make_pipe();
    text_buffer buffer;
    test_operation never;
    never.prepare_read(reader.get(), buffer.space());
    driver->submit(never);
    test_operation op;
    op.prepare_nop();
    driver->submit(op);
    EXPECT_FALSE(driver->poll(wait::yes));
    ASSERT_FALSE(driver.ready().empty());
    // It has not run yet: a poll that blocked now would never return.
    EXPECT_FALSE(driver->poll(wait::yes));
    driver.run_ready();
    EXPECT_EQ(op.runs, 1);
    EXPECT_EQ(never.runs, 0);
    driver.finish_everything();
}

TEST_P(backend_test, destroying_a_backend_with_operations_in_flight_is_caught) {
    // In a process of its own, with its own backend: the ring's workers are threads of this one.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            ready_queue ready;
            auto made = make(ready);
            const auto pipe = make_pipe();
            text_buffer buffer;
            test_operation op;
            op.prepare_read(pipe.first.get(), buffer.space());
            (*made)->submit(op);
            made->reset();
        },
        "backend was destroyed with operations in flight");
}

}  // namespace
}  // namespace mayhem
