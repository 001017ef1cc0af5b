// Operations that complete again and again: accept, and edge-triggered poll.
#include <cerrno>
#include <deque>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <vector>

#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_multishot_test : public backend_suite {
  protected:
    // A ring with hardly any room ends multishots early; their owner starts them again, as here.
    void wait_for_shots(test_operation& op, std::size_t count) {
        driver.wait_for([&] {
            restart(op);
            return op.shots.size() >= count;
        });
    }

    void restart(test_operation& op) {
        if (op.ended_with.empty() || op.ended_with.back() < 0) return;
        op.shots.push_back(op.ended_with.back());
        op.ended_with.clear();
        driver->submit(op);
    }

    void cancel_and_wait(test_operation& op) {
        driver->cancel(op);
        EXPECT_TRUE(op.ended_with.empty()) << "the owner was called from inside cancel";
        driver.wait_for([&] { return !op.ended_with.empty(); });
        EXPECT_EQ(op.ended_with, std::vector{-ECANCELED});
        EXPECT_EQ(op.runs, 0) << "a multishot operation does not go through the ready queue";
        EXPECT_EQ(op.state, operation_state::idle);
    }
};
INSTANTIATE_TEST_SUITE_P(every, backend_multishot_test, every_backend(), name_of);

TEST_P(backend_multishot_test, accept_brings_every_client_and_ends_when_cancelled) {
    const auto listener = make_tcp_listener();
    test_operation accept;
    accept.prepare_accept(listener.fd.get(), true);
    // One before, some after.
    std::deque<unique_fd> clients;
    clients.push_back(connect_to(listener));
    driver->submit(accept);
    EXPECT_TRUE(accept.shots.empty()) << "the owner was called from inside submit";
    wait_for_shots(accept, 1);
    for (int count = 0; count < 9; ++count) clients.push_back(connect_to(listener));
    wait_for_shots(accept, 10);
    driver.tick(wait::no);
    EXPECT_EQ(accept.shots.size(), 10U);
    EXPECT_TRUE(accept.ended_with.empty());
    cancel_and_wait(accept);
    const unique_fd late = connect_to(listener);
    driver.tick(wait::no);
    EXPECT_EQ(accept.shots.size(), 10U);
    for (const int fd : accept.shots) {
        EXPECT_TRUE(is_non_blocking(fd));
        kernel::close(fd);
    }
}

TEST_P(backend_multishot_test, a_flood_of_clients_does_not_hold_the_loop) {
    constexpr std::size_t many = 300;
    const auto listener = make_tcp_listener(SOCK_NONBLOCK, 1024);
    std::deque<unique_fd> clients;
    for (std::size_t count = 0; count < many; ++count) clients.push_back(connect_to(listener));
    test_operation accept;
    accept.prepare_accept(listener.fd.get(), true);
    driver->submit(accept);
    if (is_epoll()) {
        driver.tick(wait::no);
        EXPECT_LT(accept.shots.size(), many);
    }
    wait_for_shots(accept, many);
    EXPECT_EQ(accept.shots.size(), many);
    cancel_and_wait(accept);
    for (const int fd : accept.shots) kernel::close(fd);
}

TEST_P(backend_multishot_test, accept_without_free_descriptors_ends_with_the_error) {
    REAL_KERNEL_ONLY("the limit of descriptors is its own");
    const auto listener = make_tcp_listener();
    const unique_fd client = connect_to(listener);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    // The lowest limit under which what is open stays open and nothing else can be opened.
    const unique_fd probe(::dup(client.get()));
    const rlimit full{static_cast<rlim_t>(probe.get()), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
    test_operation accept;
    accept.prepare_accept(listener.fd.get(), true);
    driver->submit(accept);
    driver.wait_for([&] { return !accept.ended_with.empty(); });
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(accept.ended_with, std::vector{-EMFILE});
    EXPECT_EQ(driver->in_flight(), 0U);
    // The owner backs off and starts it again, as it is.
    accept.ended_with.clear();
    driver->submit(accept);
    wait_for_shots(accept, 1);
    cancel_and_wait(accept);
    kernel::close(accept.shots[0]);
}

TEST_P(backend_multishot_test, accept_on_what_does_not_listen_ends_with_the_error) {
    const unique_fd socket = make_tcp_socket();
    test_operation accept;
    accept.prepare_accept(socket.get(), true);
    driver->submit(accept);
    driver.wait_for([&] { return !accept.ended_with.empty(); });
    EXPECT_EQ(accept.ended_with, std::vector{-EINVAL});
    accept.ended_with.clear();
    accept.prepare_accept(1 << 30, true);
    driver->submit(accept);
    driver.wait_for([&] { return !accept.ended_with.empty(); });
    EXPECT_EQ(accept.ended_with, std::vector{-EBADF});
}

TEST_P(backend_multishot_test, an_error_that_came_first_is_not_hidden_by_a_cancel) {
    test_operation accept;
    accept.prepare_accept(1 << 30, true);
    driver->submit(accept);
    driver->cancel(accept);
    driver.wait_for([&] { return !accept.ended_with.empty(); });
    EXPECT_EQ(accept.ended_with, std::vector{-EBADF});
}

TEST_P(backend_multishot_test, poll_tells_every_write_of_an_eventfd_that_nobody_reads) {
    const unique_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    test_operation poll;
    poll.prepare_poll(event.get(), POLLIN, true);
    driver->submit(poll);
    driver.tick(wait::no);
    driver.tick(wait::no);
    EXPECT_TRUE(poll.shots.empty());
    for (std::size_t round = 1; round <= 5; ++round) {
        ASSERT_EQ(::eventfd_write(event.get(), 1), 0);
        wait_for_shots(poll, round);
        // Edge-triggered: what is still unread is not told again.
        driver.tick(wait::no);
        driver.tick(wait::no);
        EXPECT_EQ(poll.shots, std::vector<int>(round, POLLIN));
    }
    cancel_and_wait(poll);
}

TEST_P(backend_multishot_test, poll_of_what_is_ready_already_tells_so_at_once) {
    const unique_fd event(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    test_operation first;
    first.prepare_poll(event.get(), POLLIN, true);
    driver->submit(first);
    wait_for_shots(first, 1);
    // Also when the descriptor is known already.
    test_operation second;
    second.prepare_poll(event.get(), POLLIN, true);
    driver->submit(second);
    wait_for_shots(second, 1);
    EXPECT_EQ(second.shots, std::vector<int>{POLLIN});
    cancel_and_wait(first);
    cancel_and_wait(second);
}

TEST_P(backend_multishot_test, poll_tells_every_expiration_of_a_timer_that_nobody_reads) {
    const unique_fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    test_operation poll;
    poll.prepare_poll(timer.get(), POLLIN, true);
    driver->submit(poll);
    for (std::size_t round = 1; round <= 5; ++round) {
        const itimerspec at_once{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1}};
        ASSERT_EQ(::timerfd_settime(timer.get(), 0, &at_once, nullptr), 0);
        wait_for_shots(poll, round);
    }
    cancel_and_wait(poll);
}

TEST_P(backend_multishot_test, a_poll_and_a_read_share_a_descriptor) {
    const auto [reader, writer] = make_pipe();
    test_operation poll;
    poll.prepare_poll(reader.get(), POLLIN, true);
    driver->submit(poll);
    text_buffer buffer;
    test_operation read;
    read.prepare_read(reader.get(), buffer.space());
    driver->submit(read);
    driver.tick(wait::no);
    write_text(writer.get(), "x");
    driver.wait_for([&] { return read.runs == 1; });
    EXPECT_EQ(read.result, 1);
    // io_uring may find that the read was quicker, and then there is nothing to tell.
    if (is_epoll()) {
        EXPECT_EQ(poll.shots, std::vector<int>{POLLIN});
    }
    cancel_and_wait(poll);
}

// Cancels itself, or another, from inside the shot: the owner may do that.
class cancelling_operation final : public operation {
  public:
    cancelling_operation(backend& cancels, operation* target)
        : backend_(cancels), target_(target != nullptr ? target : this) {}
    void run() noexcept override {}
    void on_shot(std::int32_t outcome, bool more) noexcept override {
        ++shots;
        if (code == opcode::accept && outcome >= 0) unique_fd(outcome).reset();
        if (more) {
            backend_.cancel(*target_);
        } else {
            ended = true;
        }
    }
    int shots = 0;
    bool ended = false;

  private:
    backend& backend_;
    operation* target_;
};

TEST_P(backend_multishot_test, a_shot_may_cancel_its_own_operation) {
    const auto listener = make_tcp_listener();
    const unique_fd client = connect_to(listener);
    const unique_fd event(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    cancelling_operation accept(*driver, nullptr);
    cancelling_operation poll(*driver, nullptr);
    accept.prepare_accept(listener.fd.get(), true);
    poll.prepare_poll(event.get(), POLLIN, true);
    driver->submit(accept);
    driver->submit(poll);
    driver.wait_for([&] { return accept.ended && poll.ended; });
    EXPECT_EQ(accept.shots, 2);
    EXPECT_EQ(poll.shots, 2);
}

TEST_P(backend_multishot_test, a_shot_may_cancel_its_neighbours) {
    const unique_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    test_operation before;
    test_operation after;
    cancelling_operation first(*driver, &after);
    cancelling_operation second(*driver, &before);
    before.prepare_poll(event.get(), POLLIN, true);
    first.prepare_poll(event.get(), POLLIN, true);
    second.prepare_poll(event.get(), POLLIN, true);
    after.prepare_poll(event.get(), POLLIN, true);
    for (operation* op : {static_cast<operation*>(&before), static_cast<operation*>(&first),
                          static_cast<operation*>(&second), static_cast<operation*>(&after)}) {
        driver->submit(*op);
    }
    driver.tick(wait::no);
    ASSERT_EQ(::eventfd_write(event.get(), 1), 0);
    driver.wait_for([&] { return !before.ended_with.empty() && !after.ended_with.empty(); });
    driver.finish_everything();
    EXPECT_EQ(before.ended_with.size(), 1U);
    EXPECT_EQ(after.ended_with.size(), 1U);
}

// Starts again whenever it ends, from inside the terminal shot: the loop's own watches do so.
class restarting_operation final : public operation {
  public:
    explicit restarting_operation(backend& starts) : backend_(starts) {}
    void run() noexcept override {}
    void on_shot(std::int32_t, bool more) noexcept override {
        if (more || restarts == 3) return;
        ++restarts;
        backend_.submit(*this);
        backend_.cancel(*this);
    }
    int restarts = 0;

  private:
    backend& backend_;
};

TEST_P(backend_multishot_test, an_operation_may_be_started_again_from_its_terminal_shot) {
    const unique_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    restarting_operation poll(*driver);
    poll.prepare_poll(event.get(), POLLIN, true);
    driver->submit(poll);
    driver->cancel(poll);
    driver.wait_for([&] { return driver->in_flight() == 0; });
    EXPECT_EQ(poll.restarts, 3);
}

}  // namespace
}  // namespace mayhem
