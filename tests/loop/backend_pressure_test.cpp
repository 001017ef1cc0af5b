// More than fits: full submission and completion rings, and kernels that refuse to be entered.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

#include "loop/log.hpp"
#include "tests/support/backend_suite.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/refuse_system_call.hpp"

namespace mayhem {
namespace {

using namespace test;

class backend_pressure_test : public backend_suite {};
INSTANTIATE_TEST_SUITE_P(every, backend_pressure_test, every_backend(), name_of);

TEST_P(backend_pressure_test, ten_thousand_operations_at_once_all_complete) {
    std::deque<test_operation> ops(10'000);
    std::vector<test_operation*> order;
    for (test_operation& op : ops) {
        op.order = &order;
        op.prepare_nop();
        driver->submit(op);
    }
    EXPECT_EQ(driver->in_flight(), is_epoll() ? 0U : ops.size());
    driver.wait_for([&] { return order.size() == ops.size(); });
    bool in_order = true;
    for (std::size_t index = 0; index < ops.size(); ++index) {
        in_order = in_order && order[index] == &ops[index];
    }
    EXPECT_TRUE(in_order);
}

TEST_P(backend_pressure_test, many_completions_at_one_moment_all_arrive) {
    const unique_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    std::deque<test_operation> ops(2000);
    for (test_operation& op : ops) {
        op.prepare_poll(event.get(), POLLIN);
        driver->submit(op);
    }
    driver.tick(wait::no);
    ASSERT_EQ(driver->in_flight(), ops.size());
    ASSERT_EQ(::eventfd_write(event.get(), 1), 0);
    driver.wait_for([&] { return driver->in_flight() == 0; });
    for (const test_operation& op : ops) {
        EXPECT_EQ(op.runs, 1);
        EXPECT_EQ(op.result, POLLIN);
    }
}

TEST_P(backend_pressure_test, many_waiting_operations_are_cancelled_at_once) {
    const auto [reader, writer] = make_pipe();
    std::deque<test_operation> ops(3000);
    text_buffer buffer;
    for (test_operation& op : ops) {
        op.prepare_read(reader.get(), buffer.space());
        driver->submit(op);
    }
    driver->cancel_all();
    driver.wait_for([&] { return driver->in_flight() == 0; });
    for (const test_operation& op : ops) {
        EXPECT_EQ(op.runs, 1);
        EXPECT_EQ(op.result, -ECANCELED);
    }
}

TEST_P(backend_pressure_test, an_idle_poll_makes_no_system_call) {
    REAL_KERNEL_ONLY("calls are counted by it");
    if (is_epoll()) {
        // epoll has to be asked while something waits; only with nothing in flight it can be
        // spared.
        const int status = in_child([] {
            ready_queue ready;
            auto made = epoll_backend::create(ready);
            if (!refuse_system_call(__NR_epoll_wait, EPERM)) return 2;
            return (*made)->poll(wait::no) ? 1 : 0;
        });
        EXPECT_EQ(status, 0);
        return;
    }
    const int status = in_child([] {
        ready_queue ready;
        auto made = uring_backend::create(ready, GetParam().ring);
        const auto pipe = make_pipe();
        text_buffer buffer;
        test_operation read;
        read.prepare_read(pipe.first.get(), buffer.space());
        (*made)->submit(read);
        if ((*made)->poll(wait::no)) ::_exit(3);
        if (!refuse_system_call(__NR_io_uring_enter, EPERM)) ::_exit(2);
        const bool quiet = !(*made)->poll(wait::no);
        // The filter must be in force, or this test could not fail.
        const bool noisy = static_cast<bool>((*made)->poll(wait::yes));
        ::_exit(quiet && noisy ? 0 : 1);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_P(backend_pressure_test, a_kernel_short_of_memory_loses_no_operation) {
    if (!is_uring()) return;
    // The ring takes what fits, refuses to be entered, and the rest waits in the backlog; that
    // none of it starts or ends twice, or blocks, is all that can be asked while it lasts.
    const int status = in_child([] {
        ready_queue ready;
        auto made = uring_backend::create(ready, GetParam().ring);
        std::deque<test_operation> ops(1000);
        if (!refuse_system_call(__NR_io_uring_enter, EAGAIN)) ::_exit(2);
        for (test_operation& op : ops) {
            op.prepare_nop();
            (*made)->submit(op);
            (*made)->cancel(op);
        }
        for (int turn = 0; turn < 3; ++turn) {
            if ((*made)->poll(wait::yes)) ::_exit(3);
        }
        // Those in the backlog were cancelled before the kernel ever saw them.
        std::size_t cancelled = 0;
        for (; auto* const item = ready.pop(); ++cancelled) item->run();
        const std::size_t held = (*made)->in_flight();
        ::_exit(cancelled + held == ops.size() && cancelled > 0 && held > 0 ? 0 : 1);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_P(backend_pressure_test, what_waited_in_the_backlog_starts_in_its_order) {
    if (!is_uring()) return;
    const int status = in_child([] {
        ready_queue ready;
        auto made = uring_backend::create(ready, GetParam().ring);
        std::deque<test_operation> ops(1000);
        std::vector<test_operation*> order;
        // Entering only to submit fails, as when memory is short; `poll`, which enters to reap as
        // well, goes through.
        if (!refuse_system_call_without(__NR_io_uring_enter, EAGAIN, 3, IORING_ENTER_GETEVENTS)) {
            ::_exit(2);
        }
        for (test_operation& op : ops) {
            op.order = &order;
            op.prepare_nop();
            (*made)->submit(op);
        }
        (*made)->cancel(ops.back());
        test_operation latecomer;
        latecomer.order = &order;
        latecomer.prepare_nop();
        while ((*made)->in_flight() > 0) {
            if ((*made)->poll(wait::yes)) ::_exit(3);
            while (auto* const item = ready.pop()) item->run();
            // The ring has room again, but those in the backlog come first.
            if (latecomer.state == operation_state::idle) (*made)->submit(latecomer);
        }
        if (order.empty() || order.back() != &latecomer) ::_exit(9);
        order.pop_back();
        // The cancelled one needs no turn; it may be told of before the others.
        std::erase(order, &ops.back());
        if (order.size() + 1 != ops.size()) ::_exit(4);
        for (std::size_t index = 0; index < order.size(); ++index) {
            if (order[index] != &ops[index]) ::_exit(5);
            if (ops[index].result != 0) ::_exit(6);
        }
        if (ops.back().runs != 1) ::_exit(7);
        if (ops.back().result != -ECANCELED) ::_exit(8);
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_P(backend_pressure_test, a_cancel_that_finds_no_room_is_dropped_when_its_target_is_done) {
    if (!is_uring()) return;
    const int status = in_child([] {
        ready_queue ready;
        auto made = uring_backend::create(ready, GetParam().ring);
        std::deque<test_operation> ops(GetParam().ring.submission_entries);
        if (!refuse_system_call_without(__NR_io_uring_enter, EAGAIN, 3, IORING_ENTER_GETEVENTS)) {
            ::_exit(2);
        }
        for (test_operation& op : ops) {
            op.prepare_nop();
            (*made)->submit(op);
        }
        for (test_operation& op : ops) (*made)->cancel(op);
        while ((*made)->in_flight() > 0) {
            if ((*made)->poll(wait::yes)) ::_exit(3);
        }
        while (auto* const item = ready.pop()) item->run();
        for (const test_operation& op : ops) {
            if (op.runs != 1) ::_exit(4);
            if (op.result != 0) ::_exit(5);
        }
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_P(backend_pressure_test, a_signal_ends_the_waiting_and_is_no_error) {
    struct sigaction before{};
    struct sigaction heard{};
    heard.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGUSR1, &heard, &before), 0);
    const auto pipe = make_pipe();
    text_buffer buffer;
    test_operation read;
    read.prepare_read(pipe.first.get(), buffer.space());
    driver->submit(read);
    driver.tick(wait::no);
    std::atomic<bool> returned{false};
    std::thread signaller([&returned, waiter = ::pthread_self()] {
        // Again and again, because the first may come before the waiting has begun.
        while (!returned.load(std::memory_order_acquire)) {
            ::pthread_kill(waiter, SIGUSR1);
            std::this_thread::yield();
        }
    });
    EXPECT_EQ(driver.tick(wait::yes), 0);
    returned.store(true, std::memory_order_release);
    signaller.join();
    EXPECT_EQ(read.runs, 0);
    driver.finish_everything();
    EXPECT_EQ(read.result, -ECANCELED);
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(uring_backend_test, a_foreign_thread_is_told_what_it_did_wrong) {
    backend_driver driver;
    auto made = uring_backend::create(driver.ready());
    if (!made) GTEST_SKIP() << made.error().message();
    driver.use(std::move(*made));
    test_operation op;
    op.prepare_nop();
    std::string line;
    const log_sink previous =
        set_log_sink([&](const log_record& record) { line = record.message; });
    std::error_code error;
    std::thread([&] {
        driver->submit(op);
        error = driver->poll(wait::no);
    }).join();
    set_log_sink(previous);
    EXPECT_EQ(error.value(), EEXIST);
    EXPECT_NE(line.find("another thread"), std::string::npos) << line;
    // The right thread goes on where the wrong one was stopped.
    driver.wait_for([&] { return op.runs == 1; });
}

}  // namespace
}  // namespace mayhem
