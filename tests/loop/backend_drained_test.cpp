// Reads that follow reads. epoll parks a read untried when the one before it took all there was
// (see epoll_backend.hpp, "drained"); here are the cases in which a short read did not mean that.
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_drained_test : public backend_suite {
  protected:
    std::string receive(int fd, int flags = 0) {
        op_.prepare_recv(fd, buffer_.space(), flags);
        return buffer_.text(driver.complete(op_));
    }

    // Waits in the backend first, so that the descriptor is registered; then is sent `text`.
    std::string receive_late(int reader, int writer, std::string_view text) {
        op_.prepare_recv(reader, buffer_.space());
        const int before = op_.runs;
        driver->submit(op_);
        driver.tick(wait::no);
        write_text(writer, text);
        driver.wait_for([&] { return op_.runs > before; });
        return buffer_.text(op_.result);
    }

    text_buffer<> buffer_;
    test_operation op_;
};
INSTANTIATE_TEST_SUITE_P(every, backend_drained_test, every_backend(), name_of);

TEST_P(backend_drained_test, a_dialogue_goes_on) {
    const auto [near, far] = make_tcp_pair();
    for (int round = 0; round < 100; ++round) {
        EXPECT_EQ(receive_late(near.get(), far.get(), "ping"), "ping");
    }
}

// Messages of the buffer's size, until the backend believes that nothing comes behind one; and then
// something does.
TEST_P(backend_drained_test, bytes_behind_a_message_that_fills_the_buffer_are_read) {
    const auto [near, far] = make_tcp_pair();
    const std::string message(buffer_.space().size(), 'm');
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(receive_late(near.get(), far.get(), message), message);
    }
    EXPECT_EQ(receive_late(near.get(), far.get(), message + "behind"), message);
    EXPECT_EQ(receive(near.get()), "behind");
    EXPECT_EQ(receive_late(near.get(), far.get(), "next"), "next");
}

TEST_P(backend_drained_test, bytes_behind_a_full_buffer_are_read_while_the_loop_is_busy) {
    const auto [near, far] = make_tcp_pair();
    const std::string message(buffer_.space().size(), 'm');
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(receive_late(near.get(), far.get(), message), message);
    }
    EXPECT_EQ(receive_late(near.get(), far.get(), message + "behind"), message);
    op_.prepare_recv(near.get(), buffer_.space());
    const int before = op_.runs;
    driver->submit(op_);
    const auto [left, right] = make_socket_pair();
    for (int turn = 0; turn < 40; ++turn) {  // there is something new at every poll
        text_buffer unused;
        test_operation other;
        other.prepare_recv(left.get(), unused.space());
        driver->submit(other);
        write_text(right.get(), "noise");
        driver.wait_for([&] { return other.runs > 0; });
    }
    EXPECT_EQ(op_.runs, before + 1);
    EXPECT_EQ(buffer_.text(op_.result), "behind");
}

TEST_P(backend_drained_test, bytes_that_came_between_two_reads_are_read) {
    const auto [near, far] = make_tcp_pair();
    // Somebody waits elsewhere, so that the backend looks at events while nobody waits here.
    const auto pipe = make_pipe();
    text_buffer unused;
    test_operation elsewhere;
    elsewhere.prepare_read(pipe.first.get(), unused.space());
    driver->submit(elsewhere);
    EXPECT_EQ(receive_late(near.get(), far.get(), "one"), "one");
    write_text(far.get(), "two");
    EXPECT_EQ(receive(near.get()), "two");
    write_text(far.get(), "three");
    driver.tick(wait::no);
    EXPECT_EQ(receive(near.get()), "three");
    driver.finish_everything();
}

TEST_P(backend_drained_test, the_end_of_a_stream_is_read_whenever_it_came) {
    {
        const auto [near, far] = make_tcp_pair();
        EXPECT_EQ(receive_late(near.get(), far.get(), "x"), "x");
        kernel::shutdown(far.get(), SHUT_WR);
        EXPECT_EQ(receive(near.get()), "");
        EXPECT_EQ(receive(near.get()), "");
        driver->forget(near.get());
    }
    {
        // Together with the last bytes, in one event.
        const auto [near, far] = make_tcp_pair();
        op_.prepare_recv(near.get(), buffer_.space());
        const int before = op_.runs;
        driver->submit(op_);
        driver.tick(wait::no);
        write_text(far.get(), "x");
        kernel::shutdown(far.get(), SHUT_WR);
        driver.wait_for([&] { return op_.runs > before; });
        EXPECT_EQ(op_.result, 1);
        EXPECT_EQ(receive(near.get()), "");
        driver->forget(near.get());
    }
}

TEST_P(backend_drained_test, bytes_behind_urgent_data_are_read) {
    REAL_KERNEL_ONLY("the simulated one has no urgent data");
    const auto [near, far] = make_tcp_pair();
    EXPECT_EQ(receive_late(near.get(), far.get(), "x"), "x");
    write_text(far.get(), "before");
    ASSERT_EQ(::send(far.get(), "!", 1, MSG_OOB), 1);
    write_text(far.get(), "after");
    std::string all;
    while (all.find("after") == std::string::npos) all += receive(near.get());
    EXPECT_EQ(all, "beforeafter");
}

TEST_P(backend_drained_test, datagrams_that_wait_already_are_read_one_by_one) {
    const auto [near, far] = make_socket_pair(SOCK_NONBLOCK, SOCK_DGRAM);
    EXPECT_EQ(receive_late(near.get(), far.get(), "first"), "first");
    write_text(far.get(), "second");
    write_text(far.get(), "third");
    EXPECT_EQ(receive(near.get()), "second");
    EXPECT_EQ(receive(near.get()), "third");
}

TEST_P(backend_drained_test, a_busy_loop_reads_them_too) {
    const auto [near, far] = make_socket_pair(SOCK_NONBLOCK, SOCK_DGRAM);
    EXPECT_EQ(receive_late(near.get(), far.get(), "first"), "first");
    write_text(far.get(), "second");
    write_text(far.get(), "third");
    EXPECT_EQ(receive(near.get()), "second");
    op_.prepare_recv(near.get(), buffer_.space());
    const int before = op_.runs;
    driver->submit(op_);
    int ticks = 0;
    while (op_.runs == before && ticks < 100) {
        driver.tick(wait::no);
        ++ticks;
    }
    EXPECT_EQ(op_.runs, before + 1);
    EXPECT_LE(ticks, 20);
    driver.finish_everything();
}

TEST_P(backend_drained_test, the_lines_of_a_terminal_are_read_one_by_one) {
    const unique_fd keyboard(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    ASSERT_EQ(::grantpt(keyboard.get()), 0);
    ASSERT_EQ(::unlockpt(keyboard.get()), 0);
    const unique_fd terminal(::open(::ptsname(keyboard.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    const auto read_line = [&] {
        op_.prepare_read(terminal.get(), buffer_.space());
        return buffer_.text(driver.complete(op_));
    };
    op_.prepare_read(terminal.get(), buffer_.space());
    driver->submit(op_);
    driver.tick(wait::no);
    write_text(keyboard.get(), "one\ntwo\nthree\n");
    driver.wait_for([&] { return op_.runs == 1; });
    EXPECT_EQ(buffer_.text(op_.result), "one\n");
    EXPECT_EQ(read_line(), "two\n");
    EXPECT_EQ(read_line(), "three\n");
}

TEST_P(backend_drained_test, what_was_only_looked_at_is_still_there) {
    const auto [near, far] = make_tcp_pair();
    EXPECT_EQ(receive_late(near.get(), far.get(), "x"), "x");
    write_text(far.get(), "hello");
    EXPECT_EQ(receive(near.get(), MSG_PEEK), "hello");
    EXPECT_EQ(receive(near.get()), "hello");
}

}  // namespace
}  // namespace mayhem
