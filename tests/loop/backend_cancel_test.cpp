// Cancelling asks; the target answers exactly once. Bytes and connections are never lost.
#include <atomic>
#include <cerrno>
#include <deque>
#include <gtest/gtest.h>
#include <poll.h>
#include <thread>
#include <vector>

#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/waiting_receive.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_cancel_test : public backend_suite {};
INSTANTIATE_TEST_SUITE_P(every, backend_cancel_test, every_backend(), name_of);

TEST_P(backend_cancel_test, a_waiting_operation_ends_with_ecanceled_once) {
    waiting_receive receive(driver);
    driver->cancel(receive.op);
    EXPECT_EQ(receive.op.runs, 0) << "user code ran inside cancel";
    driver.wait_for([&] { return receive.op.runs > 0; });
    EXPECT_EQ(receive.op.result, -ECANCELED);
    driver->cancel(receive.op);
    write_text(receive.far.get(), "late");
    driver.tick(wait::no);
    driver.tick(wait::no);
    EXPECT_EQ(receive.op.runs, 1);
    EXPECT_EQ(driver->in_flight(), 0U);
    // The bytes are still there for the next one.
    receive.op.prepare_recv(receive.near.get(), receive.buffer.space());
    EXPECT_EQ(driver.complete(receive.op), 4);
}

// epoll reads when the descriptor's turn comes, io_uring has read by then: either is fine.
TEST_P(backend_cancel_test, between_the_event_and_its_turn_nothing_is_lost) {
    waiting_receive receive(driver);
    write_text(receive.far.get(), "data");
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    driver->cancel(receive.op);
    driver.wait_for([&] { return receive.op.runs > 0; });
    if (receive.op.result == -ECANCELED) {
        receive.op.prepare_recv(receive.near.get(), receive.buffer.space());
        driver.complete(receive.op);
    }
    EXPECT_EQ(receive.buffer.text(receive.op.result), "data");
    EXPECT_EQ(driver->in_flight(), 0U);
}

TEST_P(backend_cancel_test, a_descriptor_may_be_closed_and_its_number_reused_before_its_turn) {
    waiting_receive old(driver);
    write_text(old.far.get(), "old");
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    driver->cancel(old.op);
    driver->forget(old.near.get());
    const int number = old.near.get();
    old.near.reset();
    descriptor_pair fresh = make_socket_pair();
    ASSERT_EQ(fresh.first.get(), number);
    text_buffer buffer;
    test_operation next;
    next.prepare_recv(number, buffer.space());
    driver->submit(next);
    driver.wait_for([&] { return old.op.runs > 0; });
    EXPECT_EQ(next.runs, 0);
    write_text(fresh.second.get(), "new");
    driver.wait_for([&] { return next.runs > 0; });
    EXPECT_EQ(old.op.runs, 1);
    EXPECT_EQ(buffer.text(next.result), "new");
}

TEST_P(backend_cancel_test, cancelling_right_after_submit_works) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space());
    driver->submit(receive);
    driver->cancel(receive);
    driver->cancel(receive);
    driver.wait_for([&] { return receive.runs == 1; });
    EXPECT_EQ(receive.result, -ECANCELED);
}

TEST_P(backend_cancel_test, what_is_idle_or_completed_is_left_alone) {
    test_operation op;
    op.prepare_nop();
    driver->cancel(op);
    driver->submit(op);
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    ASSERT_EQ(op.state, operation_state::completed);
    driver->cancel(op);
    driver.run_ready();
    EXPECT_EQ(op.result, 0);
    driver->cancel(op);
    driver.tick(wait::no);
    EXPECT_EQ(op.runs, 1);
    // A cancel that came too late must not hit the operation's next life.
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    op.prepare_recv(near.get(), buffer.space());
    driver->submit(op);
    driver.tick(wait::no);
    EXPECT_EQ(op.runs, 1);
    driver.finish_everything();
}

TEST_P(backend_cancel_test, every_kind_of_waiting_can_be_cancelled) {
    const auto sockets = make_socket_pair();
    const auto pipe = make_pipe();
    const auto listener = make_tcp_listener();
    text_buffer buffer;
    iovec space{buffer.space().data(), buffer.space().size()};
    msghdr message{};
    message.msg_iov = &space;
    message.msg_iovlen = 1;
    std::deque<test_operation> ops(5);
    ops[0].prepare_recv(sockets.first.get(), buffer.space());
    ops[1].prepare_recvmsg(sockets.second.get(), message);
    ops[2].prepare_read(pipe.first.get(), buffer.space());
    ops[3].prepare_accept(listener.fd.get());
    ops[4].prepare_poll(pipe.first.get(), POLLIN);
    for (test_operation& op : ops) driver->submit(op);
    driver.tick(wait::no);
    EXPECT_EQ(driver->in_flight(), ops.size());
    driver->cancel_all();
    driver.wait_for([&] { return driver->in_flight() == 0; });
    for (const test_operation& op : ops) {
        EXPECT_EQ(op.runs, 1) << to_string(op.code);
        EXPECT_EQ(op.result, -ECANCELED) << to_string(op.code);
    }
}

TEST_P(backend_cancel_test, a_connect_that_hangs_can_be_cancelled) {
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        // With its queue full a listener drops further handshakes, and the client waits.
        const auto listener = make_tcp_listener(SOCK_NONBLOCK, 0);
        const unique_fd first = connect_to(listener);
        const unique_fd second = make_tcp_socket(flags);
        test_operation connect;
        connect.prepare_connect(second.get(), listener.where(), listener.length);
        driver->submit(connect);
        driver.tick(wait::no);
        driver.tick(wait::no);
        EXPECT_EQ(connect.runs, 0);
        driver->cancel(connect);
        driver.wait_for([&] { return connect.runs == 1; });
        EXPECT_EQ(connect.result, -ECANCELED);
        driver->forget(second.get());
    }
}

TEST_P(backend_cancel_test, a_cancelled_accept_leaves_the_connection_for_the_next) {
    const auto listener = make_tcp_listener();
    test_operation accept;
    accept.prepare_accept(listener.fd.get());
    driver->submit(accept);
    driver.tick(wait::no);
    driver->cancel(accept);
    driver.wait_for([&] { return accept.runs == 1; });
    ASSERT_EQ(accept.result, -ECANCELED);
    const unique_fd client = connect_to(listener);
    accept.prepare_accept(listener.fd.get());
    const unique_fd server(driver.complete(accept));
    EXPECT_TRUE(server);
}

TEST_P(backend_cancel_test, a_result_that_came_first_is_delivered) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    for (int round = 0; round < 500; ++round) {
        test_operation receive;
        receive.prepare_recv(near.get(), buffer.space());
        driver->submit(receive);
        if (round % 2 == 0) driver.tick(wait::no);
        write_text(far.get(), "x");
        driver->cancel(receive);
        driver.wait_for([&] { return receive.runs > 0; });
        ASSERT_EQ(receive.runs, 1);
        if (receive.result == 1) continue;
        ASSERT_EQ(receive.result, -ECANCELED);
        ASSERT_EQ(kernel::recv(near.get(), buffer.space().data(), 1, MSG_DONTWAIT), 1)
            << "a byte was lost in round " << round;
    }
}

TEST_P(backend_cancel_test, racing_with_a_writer_on_another_thread_loses_nothing) {
    REAL_KERNEL_ONLY("the peer is another thread");
    constexpr int rounds = 2000;
    const auto [near, far] = make_socket_pair();
    std::atomic<int> started{0};
    std::atomic<int> written{0};
    std::thread writer([&, fd = far.get()] {
        for (int round = 1; round <= rounds; ++round) {
            while (started.load(std::memory_order_acquire) < round) std::this_thread::yield();
            write_text(fd, "x");
            written.store(round, std::memory_order_release);
        }
    });
    text_buffer buffer;
    int delivered = 0;
    for (int round = 1; round <= rounds; ++round) {
        test_operation receive;
        receive.prepare_recv(near.get(), buffer.space());
        driver->submit(receive);
        driver.tick(wait::no);
        started.store(round, std::memory_order_release);
        for (int turn = round % 16; turn > 0; --turn) driver.tick(wait::no);
        driver->cancel(receive);
        driver.wait_for([&] { return receive.runs > 0; });
        EXPECT_EQ(receive.runs, 1);
        while (written.load(std::memory_order_acquire) < round) std::this_thread::yield();
        if (receive.result == 1) {
            ++delivered;
        } else {
            EXPECT_EQ(receive.result, -ECANCELED);
            EXPECT_EQ(kernel::recv(near.get(), buffer.space().data(), 1, MSG_DONTWAIT), 1);
        }
    }
    writer.join();
    RecordProperty("delivered", delivered);
    EXPECT_EQ(driver->in_flight(), 0U);
}

TEST_P(backend_cancel_test, one_of_many_waiting_leaves_the_others_in_place) {
    const auto [near, far] = make_socket_pair();
    std::deque<test_operation> ops(3);
    std::deque<text_buffer<1>> buffers(3);
    for (std::size_t index = 0; index < ops.size(); ++index) {
        ops[index].prepare_recv(near.get(), buffers[index].space());
        driver->submit(ops[index]);
    }
    driver.tick(wait::no);
    driver->cancel(ops[1]);
    driver.wait_for([&] { return ops[1].runs == 1; });
    write_text(far.get(), "ab");
    driver.wait_for([&] { return ops[0].runs + ops[2].runs == 2; });
    EXPECT_EQ(ops[1].result, -ECANCELED);
    EXPECT_EQ(ops[0].result, 1);
    EXPECT_EQ(ops[2].result, 1);
    // io_uring promises no order among those that wait for one descriptor.
    if (is_epoll()) {
        EXPECT_EQ(buffers[0].text(1), "a");
    }
}

TEST_P(backend_cancel_test, cancel_all_of_nothing_is_nothing) {
    driver->cancel_all();
    driver.tick(wait::no);
    EXPECT_EQ(driver->in_flight(), 0U);
}

}  // namespace
}  // namespace mayhem
