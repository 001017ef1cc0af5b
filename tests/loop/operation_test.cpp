// The `prepare_` functions, and the same operations as plain system calls.
#include "loop/operation.hpp"

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <string_view>
#include <sys/stat.h>

#include "loop/system_call.hpp"
#include "tests/support/backend_driver.hpp"
#include "tests/support/descriptors.hpp"

namespace mayhem {
namespace {

using test::test_operation;

constexpr std::array every_opcode{
    opcode::nop,     opcode::read,    opcode::write,  opcode::recv,    opcode::send,
    opcode::recvmsg, opcode::sendmsg, opcode::accept, opcode::connect, opcode::poll,
    opcode::openat,  opcode::statx,   opcode::fsync,  opcode::close,   opcode::sendfile,
};

TEST(operation_test, every_opcode_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (const opcode code : every_opcode) names.insert(to_string(code));
    EXPECT_EQ(names.size(), every_opcode.size());
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(to_string(opcode::recv), "recv");
    EXPECT_EQ(to_string(static_cast<opcode>(200)), "unknown");
}

TEST(operation_test, a_prepared_operation_remembers_nothing_of_its_past) {
    test_operation op;
    op.prepare_accept(5, true);
    op.cancel_requested = true;
    op.step = 2;
    op.result = 17;
    op.prepare_fsync(6);
    EXPECT_EQ(op.code, opcode::fsync);
    EXPECT_EQ(op.fd, 6);
    EXPECT_EQ(op.flags, 0U);
    EXPECT_EQ(op.result, 0);
    EXPECT_EQ(op.step, 0);
    EXPECT_FALSE(op.is_multishot);
    EXPECT_FALSE(op.cancel_requested);
    EXPECT_EQ(op.offset, operation::current_position);
}

TEST(operation_test, sends_never_raise_a_signal_and_descriptors_are_closed_on_exec) {
    test_operation op;
    op.prepare_send(3, test::bytes_of("x"), MSG_MORE);
    EXPECT_EQ(op.flags, static_cast<unsigned>(MSG_MORE | MSG_NOSIGNAL));
    const msghdr message{};
    op.prepare_sendmsg(3, message);
    EXPECT_EQ(op.flags, static_cast<unsigned>(MSG_NOSIGNAL));
    op.prepare_openat(AT_FDCWD, "/", O_RDONLY, 0);
    EXPECT_EQ(op.flags, static_cast<unsigned>(O_RDONLY | O_CLOEXEC));
    op.prepare_accept(3);
    EXPECT_EQ(op.flags, static_cast<unsigned>(SOCK_CLOEXEC | SOCK_NONBLOCK));
}

TEST(operation_test, a_buffer_longer_than_the_kernel_moves_is_clamped) {
    test_operation op;
    std::byte first{};
    // Never touched: only the length matters.
    op.prepare_read(0, std::span(&first, std::size_t{1} << 40));
    EXPECT_EQ(op.length, 0x7ffff000U);
    op.prepare_read(0, std::span(&first, 1));
    EXPECT_EQ(op.length, 1U);
}

TEST(operation_death_test, preparing_or_destroying_an_operation_in_flight_is_caught) {
    EXPECT_DEATH(
        {
            test_operation op;
            op.state = operation_state::in_flight;
            op.prepare_nop();
        },
        "an operation in flight was prepared again");
    EXPECT_DEATH(
        {
            test_operation op;
            op.state = operation_state::in_flight;
        },
        "destroyed while the kernel owned its buffers");
}

TEST(system_call_test, sockets_are_never_waited_for) {
    const auto [near, far] = test::make_socket_pair(0);
    test::text_buffer buffer;
    test_operation op;
    op.prepare_recv(near.get(), buffer.space());
    EXPECT_EQ(detail::perform(op), -EAGAIN);
    test::write_text(far.get(), "hello");
    EXPECT_EQ(detail::perform(op), 5);
    EXPECT_EQ(buffer.text(5), "hello");
    op.prepare_poll(near.get(), POLLIN);
    EXPECT_EQ(detail::perform(op), -EAGAIN);
    EXPECT_FALSE(test::is_non_blocking(near.get()));
}

TEST(system_call_test, connect_leaves_a_blocking_socket_as_it_was) {
    const auto listener = test::make_tcp_listener();
    const unique_fd socket = test::make_tcp_socket(0);
    test_operation op;
    op.prepare_connect(socket.get(), listener.where(), listener.length);
    const int result = detail::perform(op);
    EXPECT_TRUE(result == 0 || result == -EINPROGRESS) << result;
    EXPECT_FALSE(test::is_non_blocking(socket.get()));
}

TEST(system_call_test, errors_are_negative_errno_values) {
    test_operation op;
    std::byte byte{};
    op.prepare_read(-1, std::span(&byte, 1));
    EXPECT_EQ(detail::perform(op), -EBADF);
    op.prepare_poll(1 << 20, POLLIN);
    EXPECT_EQ(detail::perform(op), -EBADF);
    op.prepare_close(-1);
    EXPECT_EQ(detail::perform(op), -EBADF);
    op.prepare_openat(AT_FDCWD, "/does/not/exist", O_RDONLY, 0);
    EXPECT_EQ(detail::perform(op), -ENOENT);
}

TEST(operation_test, a_file_is_sent_to_a_blocking_socket_without_waiting_and_it_stays_blocking) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const unique_fd left(ends[0]);
    const unique_fd right(ends[1]);
    const unique_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(file);
    test_operation op;
    std::int32_t result = 1;
    for (std::uint64_t at = 0; result > 0; at += static_cast<std::uint32_t>(result)) {
        op.prepare_sendfile(left.get(), file.get(), std::size_t{1} << 20, at);
        result = detail::perform(op);
    }
    EXPECT_EQ(result, -EAGAIN);
    EXPECT_EQ(::fcntl(left.get(), F_GETFL) & O_NONBLOCK, 0);
}

}  // namespace
}  // namespace mayhem
