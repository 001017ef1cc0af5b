// The simulated kernel by itself: what its sockets and pipes answer, called through the seam as a
// program calls them.
#include "loop/sim_kernel.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/backend_driver.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mayhem {
namespace {

using namespace test;

class sim_kernel_test : public testing::Test {
  protected:
    void TearDown() override {
        kernel_->leave();
        EXPECT_EQ(sim_kernel::of_this_thread(), nullptr) << "a descriptor was leaked";
    }

    void ask_for(sim_options options) {
        kernel_->leave();
        kernel_ = &sim_kernel::join(options);
    }

    static std::string receive(int fd) {
        char text[64];
        const ssize_t count = kernel::recv(fd, text, sizeof text, 0);
        return count < 0 ? "errno " + std::to_string(errno)
                         : std::string(text, static_cast<std::size_t>(count));
    }

    static int result_of(ssize_t result) { return result < 0 ? -errno : static_cast<int>(result); }
    static int send(int fd, std::string_view text) {
        return result_of(kernel::send(fd, text.data(), text.size(), 0));
    }

    static descriptor_pair make_tcp_pair() {
        const auto listener = make_tcp_listener();
        unique_fd client = connect_to(listener);
        unique_fd server(kernel::accept4(listener.fd.get(), nullptr, nullptr, 0));
        EXPECT_TRUE(server);
        return {std::move(client), std::move(server)};
    }

    sim_kernel* kernel_ = &sim_kernel::join(sim_options::calm());
};

TEST_F(sim_kernel_test, its_descriptors_are_no_numbers_of_the_real_kernel) {
    const unique_fd socket = make_tcp_socket();
    EXPECT_TRUE(kernel::is_simulated(socket.get()));
    EXPECT_EQ(::fcntl(socket.get(), F_GETFD), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(kernel::open_simulated(), 1U);
}

TEST_F(sim_kernel_test, the_lowest_free_number_is_given_next) {
    const unique_fd first = make_tcp_socket();
    unique_fd second = make_tcp_socket();
    const unique_fd third = make_tcp_socket();
    const int number = second.get();
    second.reset();
    const unique_fd next = make_tcp_socket();
    EXPECT_EQ(next.get(), number);
    EXPECT_EQ(third.get(), number + 1);
}

TEST_F(sim_kernel_test, other_families_and_other_descriptors_stay_real) {
    const unique_fd netlink(kernel::socket(AF_NETLINK, SOCK_RAW, 0));
    EXPECT_FALSE(kernel::is_simulated(netlink.get()));
    const unique_fd duplicate(kernel::dup(STDERR_FILENO));
    EXPECT_FALSE(kernel::is_simulated(duplicate.get()));
}

TEST_F(sim_kernel_test, it_lives_as_long_as_a_loop_or_a_descriptor) {
    unique_fd socket = make_tcp_socket();
    kernel_->leave();
    EXPECT_EQ(kernel::simulated(), nullptr) << "new sockets are real again";
    EXPECT_EQ(kernel::open_simulated(), 1U);
    socket.reset();
    EXPECT_EQ(sim_kernel::of_this_thread(), nullptr);
    EXPECT_EQ(kernel::close(kernel::first_simulated), -1);
    EXPECT_EQ(errno, EBADF);
    kernel_ = &sim_kernel::join(sim_options());
}

// ---- Streams ------------------------------------------------------------------------------

TEST_F(sim_kernel_test, an_empty_stream_answers_eagain_and_an_ended_one_the_end) {
    auto [near, far] = make_socket_pair();
    EXPECT_EQ(receive(near.get()), "errno " + std::to_string(EAGAIN));
    EXPECT_EQ(send(far.get(), "last words"), 10);
    far.reset();
    EXPECT_EQ(receive(near.get()), "last words");
    EXPECT_EQ(receive(near.get()), "");
    EXPECT_EQ(send(near.get(), "?"), -EPIPE);
}

TEST_F(sim_kernel_test, closing_with_unread_bytes_resets_the_peer) {
    for (const bool tcp : {false, true}) {
        auto [near, far] = tcp ? make_tcp_pair() : make_socket_pair();
        EXPECT_EQ(send(near.get(), "unread"), 6);
        far.reset();
        EXPECT_EQ(receive(near.get()), "errno " + std::to_string(ECONNRESET));
        EXPECT_EQ(receive(near.get()), "");
        EXPECT_EQ(send(near.get(), "?"), -EPIPE);
    }
}

TEST_F(sim_kernel_test, closing_without_lingering_resets_the_peer) {
    auto [near, far] = make_tcp_pair();
    const linger at_once{1, 0};
    EXPECT_EQ(kernel::setsockopt(far.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    far.reset();
    EXPECT_EQ(receive(near.get()), "errno " + std::to_string(ECONNRESET));
}

TEST_F(sim_kernel_test, the_first_tcp_write_to_a_closed_peer_goes_into_the_void) {
    auto [near, far] = make_tcp_pair();
    far.reset();
    EXPECT_EQ(send(near.get(), "anybody?"), 8);
    EXPECT_EQ(send(near.get(), "anybody?"), -EPIPE);
}

TEST_F(sim_kernel_test, a_half_close_leaves_the_other_half_open) {
    const auto [near, far] = make_tcp_pair();
    ASSERT_EQ(kernel::shutdown(near.get(), SHUT_WR), 0);
    EXPECT_EQ(receive(far.get()), "");
    EXPECT_EQ(send(near.get(), "x"), -EPIPE);
    EXPECT_EQ(send(far.get(), "answer"), 6);
    EXPECT_EQ(receive(near.get()), "answer");
}

TEST_F(sim_kernel_test, a_full_buffer_takes_a_part_and_then_nothing) {
    sim_options small = sim_options::calm();
    small.buffer_bytes = 10;
    ask_for(small);
    const auto [near, far] = make_socket_pair();
    EXPECT_EQ(send(near.get(), "0123456"), 7);
    EXPECT_EQ(send(near.get(), "789abc"), 3);
    EXPECT_EQ(send(near.get(), "abc"), -EAGAIN);
    EXPECT_EQ(receive(far.get()), "0123456789");
    EXPECT_EQ(send(near.get(), "abc"), 3);
}

TEST_F(sim_kernel_test, a_pipe_takes_small_writes_whole_or_not_at_all) {
    const auto [reader, writer] = make_pipe();
    const std::string large(65'536 - PIPE_BUF + 1, 'x');
    const std::string small(PIPE_BUF, 'y');
    EXPECT_EQ(result_of(kernel::write(writer.get(), large.data(), large.size())),
              static_cast<int>(large.size()));
    EXPECT_EQ(result_of(kernel::write(writer.get(), small.data(), small.size())), -EAGAIN);
    EXPECT_EQ(result_of(kernel::write(writer.get(), small.data(), small.size() - 1)),
              static_cast<int>(small.size()) - 1);
    char byte = 0;
    EXPECT_EQ(result_of(kernel::read(writer.get(), &byte, 1)), -EBADF);
    EXPECT_EQ(result_of(kernel::recv(reader.get(), &byte, 1, 0)), -ENOTSOCK);
}

// ---- Names --------------------------------------------------------------------------------

TEST_F(sim_kernel_test, nobody_listens_is_refused_and_elsewhere_is_unreachable) {
    auto listener = make_tcp_listener();
    listener.fd.reset();
    const unique_fd socket = make_tcp_socket();
    EXPECT_EQ(kernel::connect(socket.get(), listener.where(), listener.length), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
    listener.address.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1
    EXPECT_EQ(kernel::connect(socket.get(), listener.where(), listener.length), -1);
    EXPECT_EQ(errno, ENETUNREACH);
    EXPECT_EQ(kernel::bind(socket.get(), listener.where(), listener.length), -1);
    EXPECT_EQ(errno, EADDRNOTAVAIL);
}

TEST_F(sim_kernel_test, a_port_is_taken_once_unless_all_share_it) {
    const auto listener = make_tcp_listener();
    const unique_fd second = make_tcp_socket();
    EXPECT_EQ(kernel::bind(second.get(), listener.where(), listener.length), -1);
    EXPECT_EQ(errno, EADDRINUSE);
    const int on = 1;
    for (const int fd : {listener.fd.get(), second.get()}) {
        ASSERT_EQ(kernel::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    }
    EXPECT_EQ(kernel::bind(second.get(), listener.where(), listener.length), 0);
}

TEST_F(sim_kernel_test, a_connection_outlives_its_listener_but_not_while_it_waits) {
    auto listener = make_tcp_listener();
    const unique_fd accepted_client = connect_to(listener);
    const unique_fd waiting_client = connect_to(listener);
    const unique_fd server(kernel::accept4(listener.fd.get(), nullptr, nullptr, 0));
    listener.fd.reset();
    EXPECT_EQ(send(accepted_client.get(), "x"), 1);
    EXPECT_EQ(receive(server.get()), "x");
    EXPECT_EQ(receive(waiting_client.get()), "errno " + std::to_string(ECONNRESET));
}

TEST_F(sim_kernel_test, the_name_of_a_unix_socket_is_a_file_and_its_inode_connects) {
    scratch_folder folder;
    const std::string path = folder.file("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const auto* const where = reinterpret_cast<const sockaddr*>(&address);
    const auto connect = [&] {
        const unique_fd client(kernel::socket(AF_UNIX, SOCK_STREAM, 0));
        return kernel::connect(client.get(), where, sizeof address) == 0 ? 0 : errno;
    };
    EXPECT_EQ(connect(), ENOENT);
    unique_fd listener(kernel::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(kernel::bind(listener.get(), where, sizeof address), 0);
    ASSERT_EQ(kernel::listen(listener.get(), 8), 0);
    EXPECT_EQ(connect(), 0);
    const std::string other = folder.file("renamed");
    ASSERT_EQ(::rename(path.c_str(), other.c_str()), 0);
    EXPECT_EQ(connect(), ENOENT);
    ASSERT_EQ(::rename(other.c_str(), path.c_str()), 0);
    listener.reset();
    EXPECT_EQ(connect(), ECONNREFUSED) << "the file is stale";
}

TEST_F(sim_kernel_test, settings_are_remembered) {
    const unique_fd socket = make_tcp_socket();
    const int on = 1;
    ASSERT_EQ(kernel::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    int found = 0;
    socklen_t length = sizeof found;
    ASSERT_EQ(kernel::getsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &found, &length), 0);
    EXPECT_EQ(found, 1);
}

// ---- Misfortune ---------------------------------------------------------------------------

TEST_F(sim_kernel_test, calls_fail_where_a_scenario_asks_for_it) {
    sim_options options = sim_options::calm();
    options.faults = {{.call = sim_call::socket, .error = EMFILE, .skip = 1, .times = 2}};
    ask_for(options);
    const auto try_it = [] {
        const unique_fd made(kernel::socket(AF_INET, SOCK_STREAM, 0));
        return made ? 0 : errno;
    };
    EXPECT_EQ(try_it(), 0);
    EXPECT_EQ(try_it(), EMFILE);
    EXPECT_EQ(try_it(), EMFILE);
    EXPECT_EQ(try_it(), 0);
}

TEST_F(sim_kernel_test, a_reset_is_felt_by_both_sides) {
    const auto [near, far] = make_tcp_pair();
    sim_options options = sim_options::calm();
    options.faults = {{.call = sim_call::send, .error = ECONNRESET, .times = 1}};
    ask_for(options);
    EXPECT_EQ(send(near.get(), "x"), -ECONNRESET);
    EXPECT_EQ(receive(near.get()), "");
    EXPECT_EQ(receive(far.get()), "errno " + std::to_string(ECONNRESET));
    EXPECT_EQ(send(far.get(), "x"), -EPIPE);
}

TEST_F(sim_kernel_test, the_nth_call_fails_with_one_of_its_legal_errors) {
    sim_report report;
    sim_options options = sim_options::calm();
    options.report = &report;
    ask_for(options);
    static_cast<void>(make_socket_pair());
    static_cast<void>(make_pipe());
    EXPECT_EQ(report.calls, 2U) << "close cannot fail and is not counted";
    options.fail_call = 2;
    ask_for(options);
    static_cast<void>(make_socket_pair());
    int ends[2];
    EXPECT_EQ(kernel::pipe2(ends, 0), -1);
    EXPECT_TRUE(errno == EMFILE || errno == ENFILE);
    EXPECT_EQ(report.failed_call.substr(0, 5), "pipe:");
}

}  // namespace
}  // namespace mayhem
