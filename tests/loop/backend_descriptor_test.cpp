// Descriptors of every kind and at every age: blocking and not, terminals, recycled numbers.
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_descriptor_test : public backend_suite {
  protected:
    // A read that is submitted to an empty descriptor waits, and gets what is written then.
    void expect_read_waits(int reader, int writer, bool non_blocking) {
        text_buffer buffer;
        test_operation read;
        for (int round = 0; round < 3; ++round) {
            read.prepare_read(reader, buffer.space());
            driver->submit(read);
            driver.tick(wait::no);
            driver.tick(wait::no);
            EXPECT_EQ(read.state, operation_state::in_flight);
            write_text(writer, "line\n");
            driver.wait_for([&] { return read.runs == round + 1; });
            EXPECT_EQ(buffer.text(read.result), "line\n");
        }
        EXPECT_EQ(is_non_blocking(reader), non_blocking);
        read.prepare_read(reader, buffer.space());
        driver->submit(read);
        driver.tick(wait::no);
        driver->cancel(read);
        driver.wait_for([&] { return read.runs == 4; });
        EXPECT_EQ(read.result, -ECANCELED);
        driver->forget(reader);
    }
};
INSTANTIATE_TEST_SUITE_P(every, backend_descriptor_test, every_backend(), name_of);

TEST_P(backend_descriptor_test, pipes_are_waited_for_blocking_or_not) {
    for (const int flags : {0, O_NONBLOCK}) {
        const auto pipe = make_pipe(flags);
        expect_read_waits(pipe.first.get(), pipe.second.get(), flags != 0);
    }
}

TEST_P(backend_descriptor_test, sockets_are_waited_for_blocking_or_not) {
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        const auto sockets = make_socket_pair(flags);
        expect_read_waits(sockets.first.get(), sockets.second.get(), flags != 0);
    }
}

TEST_P(backend_descriptor_test, terminals_are_waited_for_blocking_or_not) {
    for (const int flags : {0, O_NONBLOCK}) {
        const unique_fd keyboard(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(keyboard);
        ASSERT_EQ(::grantpt(keyboard.get()), 0);
        ASSERT_EQ(::unlockpt(keyboard.get()), 0);
        const unique_fd terminal(
            ::open(::ptsname(keyboard.get()), O_RDWR | O_NOCTTY | O_CLOEXEC | flags));
        ASSERT_TRUE(terminal);
        expect_read_waits(terminal.get(), keyboard.get(), flags != 0);
    }
}

TEST_P(backend_descriptor_test, counters_are_waited_for_blocking_or_not) {
    for (const int flags : {0, static_cast<int>(EFD_NONBLOCK)}) {
        const unique_fd event(::eventfd(0, flags | EFD_CLOEXEC));
        std::uint64_t count = 0;
        test_operation read;
        read.prepare_read(event.get(), std::as_writable_bytes(std::span(&count, 1)));
        driver->submit(read);
        driver.tick(wait::no);
        EXPECT_EQ(read.runs, 0);
        ASSERT_EQ(::eventfd_write(event.get(), 7), 0);
        driver.wait_for([&] { return read.runs == 1; });
        EXPECT_EQ(count, 7U);
        driver->forget(event.get());
    }
}

TEST_P(backend_descriptor_test, connections_are_waited_for_blocking_or_not) {
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        const auto listener = make_tcp_listener(flags);
        test_operation accept;
        accept.prepare_accept(listener.fd.get());
        driver->submit(accept);
        driver.tick(wait::no);
        driver.tick(wait::no);
        EXPECT_EQ(accept.runs, 0);
        const unique_fd client = make_tcp_socket(flags);
        test_operation connect;
        connect.prepare_connect(client.get(), listener.where(), listener.length);
        EXPECT_EQ(driver.complete(connect), 0);
        driver.wait_for([&] { return accept.runs == 1; });
        EXPECT_GE(accept.result, 0);
        EXPECT_EQ(is_non_blocking(client.get()), flags != 0);
        kernel::close(accept.result);
        driver->forget(listener.fd.get());
        driver->forget(client.get());
    }
}

TEST_P(backend_descriptor_test, a_full_pipe_is_waited_for_blocking_or_not) {
    for (const int flags : {0, O_NONBLOCK}) {
        const auto pipe = make_pipe(flags);
        // Not a divisor of the pipe's size: the last one fits in part only.
        const std::string block(16 * 1024 + 1, 'x');
        test_operation write;
        std::size_t written = 0;
        for (;;) {
            write.prepare_write(pipe.second.get(), bytes_of(block));
            driver->submit(write);
            driver.tick(wait::no);
            if (write.state == operation_state::in_flight) break;
            ASSERT_GT(write.result, 0);
            written += static_cast<std::size_t>(write.result);
        }
        EXPECT_GE(written, 4096U);
        std::string space(written, '\0');
        ASSERT_EQ(kernel::read(pipe.first.get(), space.data(), space.size()),
                  static_cast<ssize_t>(written));
        driver.wait_for([&] { return write.state == operation_state::completed; });
        EXPECT_GT(write.result, 0);
        driver->forget(pipe.second.get());
    }
}

TEST_P(backend_descriptor_test, msg_dontwait_does_not_end_the_waiting) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space(), MSG_DONTWAIT);
    driver->submit(receive);
    driver.tick(wait::no);
    driver.tick(wait::no);
    EXPECT_EQ(receive.runs, 0);
    write_text(far.get(), "hello");
    driver.wait_for([&] { return receive.runs == 1; });
    EXPECT_EQ(receive.result, 5);
    // And it can be cancelled while it waits.
    receive.prepare_recv(near.get(), buffer.space(), MSG_DONTWAIT);
    driver->submit(receive);
    driver.tick(wait::no);
    driver.tick(wait::no);
    driver->cancel(receive);
    driver.wait_for([&] { return receive.runs == 2; });
    EXPECT_EQ(receive.result, -ECANCELED);
}

TEST_P(backend_descriptor_test, what_would_wait_anew_is_not_begun_after_a_cancel) {
    const auto [near, far] = make_socket_pair();
    text_buffer buffer;
    test_operation receive;
    receive.prepare_recv(near.get(), buffer.space(), MSG_DONTWAIT);
    driver->submit(receive);
    driver->cancel(receive);
    driver.wait_for([&] { return receive.runs == 1; });
    EXPECT_EQ(receive.result, -ECANCELED);
}

TEST_P(backend_descriptor_test, a_recycled_number_hears_nothing_of_its_former_owner) {
    for (const bool by_forgetting : {false, true}) {
        auto former = make_socket_pair();
        const int number = former.first.get();
        text_buffer buffer;
        test_operation receive;
        receive.prepare_recv(number, buffer.space());
        driver->submit(receive);
        driver.tick(wait::no);
        driver->cancel(receive);
        driver.wait_for([&] { return receive.runs == 1; });

        // The duplicate keeps the former owner's socket, and its readiness, alive.
        const unique_fd duplicate(kernel::dup(number));
        if (by_forgetting) {
            driver->forget(number);
            former.first.reset();
        } else {
            test_operation close;
            close.prepare_close(former.first.release());
            ASSERT_EQ(driver.complete(close), 0);
        }
        auto next = make_socket_pair();
        if (next.first.get() != number) {
            ASSERT_EQ(::dup2(next.first.get(), number), number);
            next.first.reset(number);
        }
        test_operation poll;
        poll.prepare_poll(number, POLLIN, true);
        driver->submit(poll);
        receive.prepare_recv(number, buffer.space());
        driver->submit(receive);
        driver.tick(wait::no);
        write_text(former.second.get(), "for the former owner");
        driver.tick(wait::no);
        driver.tick(wait::no);
        EXPECT_EQ(receive.runs, 1);
        EXPECT_TRUE(poll.shots.empty());
        write_text(next.second.get(), "x");
        driver.wait_for([&] { return receive.runs == 2; });
        EXPECT_EQ(receive.result, 1);
        driver->cancel(poll);
        driver.wait_for([&] { return !poll.ended_with.empty(); });
        driver->forget(number);
    }
}

TEST_P(backend_descriptor_test, forgetting_what_was_never_known_is_nothing) {
    driver->forget(-1);
    driver->forget(1 << 20);
    const auto [near, far] = make_socket_pair();
    driver->forget(near.get());
    EXPECT_EQ(driver->in_flight(), 0U);
}

}  // namespace
}  // namespace mayhem
