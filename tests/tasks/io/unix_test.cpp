// Unix sockets: who is at the other end, and the life of the socket's file.
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/kernel.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;

bool exists(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0;
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0);
    return status.st_mode & 0777U;
}

/// A socket file whose owner is dead.
void leave_stale_socket(const std::string& path) {
    const address where = address::unix_path(path);
    const unique_fd socket(kernel::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(kernel::bind(socket.get(), where.data(), where.size()), 0);
    EXPECT_EQ(kernel::listen(socket.get(), 1), 0);
}

std::error_code bind_error(const std::string& path) {
    try {
        const unix_listener listener = unix_listener::bind(path);
    } catch (const std::system_error& error) {
        return error.code();
    }
    return {};
}

CO_TEST(unix_socket, the_peers_credentials_are_told_by_the_kernel) {
    scratch_folder folder;
    unix_listener listener = unix_listener::bind(folder.file("socket"));
    unix_stream client = co_await unix_stream::connect(listener.path());
    const unix_stream server = co_await listener.accept();
    const peer_credentials peer = server.credentials();
    EXPECT_EQ(peer.pid, ::getpid());
    EXPECT_EQ(peer.uid, ::geteuid());
    EXPECT_EQ(peer.gid, ::getegid());
}

CO_TEST(unix_socket, only_the_owner_may_connect_by_default_and_the_file_goes_with_the_listener) {
    scratch_folder folder;
    const std::string path = folder.file("socket");
    {
        const unix_listener listener = unix_listener::bind(path);
        EXPECT_EQ(mode_of(path), 0600U);
    }
    EXPECT_FALSE(exists(path));
    unix_listen_options options;
    options.mode = 0666;
    unix_listener open_to_all = unix_listener::bind(path, options);
    EXPECT_EQ(mode_of(path), 0666U) << "the umask must not have the last word";
    co_await open_to_all.close();
    EXPECT_FALSE(exists(path));
}

CO_TEST(unix_socket, a_stale_file_is_replaced) {
    scratch_folder folder;
    const std::string path = folder.file("socket");
    leave_stale_socket(path);
    CO_ASSERT_TRUE(exists(path));
    unix_listener listener = unix_listener::bind(path);
    unix_stream client = co_await unix_stream::connect(path);
    const unix_stream server = co_await listener.accept();
}

CO_TEST(unix_socket, a_socket_at_which_somebody_answers_is_left_alone) {
    scratch_folder folder;
    const std::string path = folder.file("socket");
    unix_listener first = unix_listener::bind(path);
    EXPECT_EQ(bind_error(path), std::errc::address_in_use);
    unix_stream client = co_await unix_stream::connect(path);
    const unix_stream server = co_await first.accept();
    EXPECT_TRUE(exists(path));
}

CO_TEST(unix_socket, a_file_that_is_no_socket_is_left_alone) {
    scratch_folder folder;
    const std::string path = folder.file("precious");
    std::ofstream(path) << "data";
    EXPECT_EQ(bind_error(path), std::errc::address_in_use);
    EXPECT_TRUE(exists(path));
    co_return;
}

CO_TEST(unix_socket, the_file_of_a_successor_is_not_removed) {
    scratch_folder folder;
    const std::string path = folder.file("socket");
    unix_listener old = unix_listener::bind(path);
    EXPECT_EQ(::unlink(path.c_str()), 0);
    unix_listener successor = unix_listener::bind(path);
    co_await old.close();
    EXPECT_TRUE(exists(path));
    unix_stream client = co_await unix_stream::connect(path);
}

CO_TEST(unix_socket, connecting_to_nobody_names_the_path) {
    scratch_folder folder;
    const std::string path = folder.file("nothing");
    try {
        unix_stream stream = co_await unix_stream::connect(path);
        ADD_FAILURE() << "connected to nobody";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    }
}

CO_TEST(unix_socket, connecting_waits_while_the_queue_is_full) {
    scratch_folder folder;
    unix_listen_options options;
    options.backlog = 0;  // one connection may wait, the next is told to come back
    unix_listener listener = unix_listener::bind(folder.file("socket"), options);
    std::vector<task<unix_stream>> clients;
    for (int number = 0; number < 5; ++number) {
        clients.push_back(create_task(unix_stream::connect(listener.path())));
    }
    for (int tick = 0; tick < 5; ++tick) co_await yield();
    for (int number = 0; number < 5; ++number) {
        const unix_stream server = co_await listener.accept();
    }
    for (auto& client : clients) co_await client;
}

CO_TEST(unix_socket, a_path_that_is_too_long_is_refused_with_its_limit) {
    try {
        const unix_listener listener = unix_listener::bind("/tmp/" + std::string(200, 'x'));
        ADD_FAILURE() << "accepted";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::filename_too_long);
        EXPECT_NE(std::string(error.what()).find("107"), std::string::npos) << error.what();
    }
    co_return;
}

// So that the reader of one processor finds in its cache what was written: docs/SPEED.md has what
// shorter and longer parts cost. What the last part is need not be looked at: it is what is left.
CO_TEST(unix_socket, long_transfers_go_half_a_mebibyte_at_a_time) {
    auto [left, right] = unix_stream::pair();
    std::vector<std::byte> bytes(3 << 20);
    const auto writing = left.write_all(bytes).operator co_await();
    const auto reading = right.read_exactly(bytes).operator co_await();
    EXPECT_EQ(writing.length, 512U << 10);
    EXPECT_EQ(reading.length, 512U << 10);
    co_return;
}

}  // namespace
