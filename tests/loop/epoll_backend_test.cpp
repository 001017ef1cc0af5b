// What the epoll backend alone promises: who is served first, when a read is made, and which is not
// tried. The picture is in epoll_backend.hpp.
#include "loop/epoll_backend.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "loop/clock.hpp"
#include "tests/support/backend_driver.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/refuse_system_call.hpp"
#include "tests/support/waiting_receive.hpp"

namespace mayhem {
namespace {

using namespace test;

class epoll_backend_test : public testing::Test {
  protected:
    epoll_backend_test() { driver.use(*epoll_backend::create(driver.ready())); }

    backend_driver driver;
};

TEST_F(epoll_backend_test, forgetting_a_descriptor_ends_what_waits_for_it) {
    const auto [near, far] = make_socket_pair();
    const auto listener = make_tcp_listener();
    text_buffer buffer;
    test_operation receive;
    test_operation poll;
    test_operation accept;
    receive.prepare_recv(near.get(), buffer.space());
    poll.prepare_poll(near.get(), POLLIN, true);
    accept.prepare_accept(listener.fd.get(), true);  // due, since no tick has been made
    driver->submit(receive);
    driver->submit(poll);
    driver->submit(accept);
    driver->forget(near.get());
    driver->forget(listener.fd.get());
    EXPECT_TRUE(poll.ended_with.empty()) << "the owner was called from inside forget";
    driver.wait_for([&] { return driver->in_flight() == 0; });
    EXPECT_EQ(receive.result, -ECANCELED);
    EXPECT_EQ(poll.ended_with, std::vector{-ECANCELED});
    EXPECT_EQ(accept.ended_with, std::vector{-ECANCELED});
}

TEST_F(epoll_backend_test, those_who_wait_longer_are_served_first) {
    const auto [near, far] = make_socket_pair();
    text_buffer<1> first_byte;
    text_buffer<1> second_byte;
    test_operation first;
    test_operation second;
    first.prepare_recv(near.get(), first_byte.space());
    driver->submit(first);
    write_text(far.get(), "ab");
    // It could have its byte at once, and would take that of the first.
    second.prepare_recv(near.get(), second_byte.space());
    driver->submit(second);
    driver.wait_for([&] { return driver->in_flight() == 0; });
    EXPECT_EQ(first_byte.text(1), "a");
    EXPECT_EQ(second_byte.text(1), "b");
}

TEST_F(epoll_backend_test, files_complete_inside_submit_and_the_contract_says_so) {
    EXPECT_FALSE(driver->completes_files_asynchronously());
    const unique_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    text_buffer buffer;
    test_operation read;
    read.prepare_read(file.get(), buffer.space(), 0);
    driver->submit(read);
    EXPECT_EQ(read.state, operation_state::completed);
    driver.run_ready();
    EXPECT_EQ(read.runs, 1);
    EXPECT_EQ(read.result, 64);
}

TEST_F(epoll_backend_test, a_busy_loop_looks_at_once_and_then_not_for_a_while) {
    const time_point begin = clock::now();
    EXPECT_TRUE(driver->is_look_due());
    std::int64_t looks = 0;
    for (int asked = 0; asked < 10'000; ++asked) looks += driver->is_look_due() ? 1 : 0;
    EXPECT_LE(looks, (clock::now() - begin) / std::chrono::microseconds(50));
    while (!driver->is_look_due()) continue;
}

// As a protocol of headers and bodies looks that has sent headers alone for a while.
TEST_F(epoll_backend_test, a_read_of_another_length_than_those_believed_is_tried_at_once) {
    const auto [near, far] = make_tcp_pair();
    text_buffer buffer;
    test_operation header;
    for (int round = 0; round < 10; ++round) {
        header.prepare_recv(near.get(), buffer.space().first(4));
        driver->submit(header);
        driver.tick(wait::no);
        write_text(far.get(), round < 9 ? "head" : "headbody");
        driver.wait_for([&] { return header.runs > round; });
    }
    test_operation body;
    body.prepare_recv(near.get(), buffer.space().first(8));
    EXPECT_TRUE(driver->start(body));
    EXPECT_EQ(buffer.text(body.result), "body");
}

TEST_F(epoll_backend_test, a_read_is_made_when_the_turn_of_its_descriptor_comes) {
    waiting_receive receive(driver);
    for (const std::string_view part : {"one", "two"}) {  // an event each
        write_text(receive.far.get(), part);
        EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
        EXPECT_EQ(receive.op.state, operation_state::in_flight);
        EXPECT_EQ(driver.ready().size(), 1U);
    }
    EXPECT_EQ(driver.run_ready(), 1);
    EXPECT_EQ(receive.op.runs, 1);
    EXPECT_EQ(receive.buffer.text(receive.op.result), "onetwo");
}

TEST_F(epoll_backend_test, all_who_wait_at_a_descriptor_are_served_in_their_order) {
    const auto listener = make_tcp_listener();
    std::array<test_operation, 3> accepts;
    for (test_operation& op : accepts) {
        op.prepare_accept(listener.fd.get());
        driver->submit(op);
    }
    const std::array clients{connect_to(listener), connect_to(listener)};
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    driver.run_ready();
    for (const std::size_t served : {0U, 1U}) {
        EXPECT_EQ(accepts[served].runs, 1);
        EXPECT_TRUE(unique_fd(accepts[served].result));
    }
    EXPECT_EQ(accepts[2].state, operation_state::in_flight);
    driver.finish_everything();
}

TEST_F(epoll_backend_test, a_turn_that_was_discarded_is_no_promise) {
    waiting_receive receive(driver);
    write_text(receive.far.get(), "x");
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    driver.ready().pop()->discard();
    write_text(receive.far.get(), "y");
    EXPECT_EQ(driver->poll(wait::yes), std::error_code{});
    EXPECT_EQ(driver.run_ready(), 1);
    EXPECT_EQ(receive.buffer.text(receive.op.result), "xy");
}

// Datagrams, since behind a short read there may be another. Each tick has an event of its own:
// when the kernel tells of nothing, readers on trust are looked after in any case.
TEST_F(epoll_backend_test, a_busy_loop_looks_after_readers_on_trust_but_not_all_the_time) {
    waiting_receive busy(driver);
    waiting_receive receive(driver, make_socket_pair(SOCK_NONBLOCK, SOCK_DGRAM));
    for (const std::string_view text : {"1", "2", "3"}) write_text(receive.far.get(), text);
    driver.wait_for([&] { return receive.op.runs == 1; });
    const time_point before_first_look = clock::now();
    for (const int received : {1, 2}) {
        receive.op.prepare_recv(receive.near.get(), receive.buffer.space());
        driver->submit(receive.op);
        EXPECT_EQ(receive.op.state, operation_state::in_flight) << "it was tried";
        while (receive.op.runs == received) {
            write_text(busy.far.get(), "x");
            driver.tick(wait::yes);
            busy.op.prepare_recv(busy.near.get(), busy.buffer.space());
            driver->submit(busy.op);
        }
    }
    EXPECT_GE(clock::now() - before_first_look, std::chrono::microseconds(500));
    driver.finish_everything();
}

TEST_F(epoll_backend_test, a_read_after_one_that_took_everything_is_not_tried) {
    const int status = in_child([] {
        ready_queue ready;
        auto made = epoll_backend::create(ready);
        const auto tcp = make_tcp_pair();
        text_buffer buffer;
        test_operation op;
        op.prepare_recv(tcp.first.get(), buffer.space());
        (*made)->submit(op);
        write_text(tcp.second.get(), "x");
        if ((*made)->poll(wait::yes)) ::_exit(3);
        ready.pop()->run();
        if (op.result != 1) ::_exit(4);
        if (!refuse_system_call(__NR_recvfrom, EPERM)) ::_exit(2);
        op.prepare_recv(tcp.first.get(), buffer.space());
        (*made)->submit(op);
        if ((*made)->poll(wait::no)) ::_exit(3);
        if (op.state != operation_state::in_flight) ::_exit(5);
        // The filter must be in force, or this test could not fail.
        write_text(tcp.second.get(), "x");
        if ((*made)->poll(wait::yes)) ::_exit(3);
        ready.pop()->run();
        ::_exit(op.result == -EPERM ? 0 : 6);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mayhem
