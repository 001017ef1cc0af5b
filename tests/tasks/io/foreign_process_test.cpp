// Processes that are watched through their number: here, children that somebody else owns.
#include "tasks/io/foreign_process.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <optional>
#include <sys/types.h>
#include <vector>

#include "tasks/coro/task.hpp"
#include "tasks/io/process.hpp"
#include "tasks/sleep.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem {
namespace {

/// Runs until it is killed.
process spawn_cat() {
    process_options options;
    options.standard_input = stdio::pipe();
    options.standard_output = stdio::null();
    return process::spawn(std::vector<std::string>{"cat"}, options);
}

CO_TEST(foreign_process, wait_ends_when_the_process_does) {
    process child = spawn_cat();
    auto found = foreign_process::open(child.pid());
    CO_ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->pid(), child.pid());
    EXPECT_TRUE(found->is_running());
    auto waiting = create_task(found->wait());
    co_await yield();
    EXPECT_FALSE(waiting.done());
    EXPECT_TRUE(found->send_signal(SIGKILL));
    co_await waiting;
    EXPECT_FALSE(found->is_running());
    EXPECT_FALSE(found->send_signal(SIGKILL));
    co_await found->wait();  // and it still is over
    const exit_status status = co_await child.wait();
    EXPECT_EQ(status.signal(), SIGKILL);
}

CO_TEST(foreign_process, a_number_that_nobody_has_is_no_process) {
    process child = spawn_cat();
    const pid_t pid = child.pid();
    child.kill();
    co_await child.wait();  // reaped: the number is free, and not given out again at once
    EXPECT_FALSE(foreign_process::open(pid).has_value());
}

CO_TEST(foreign_process, a_cancelled_wait_leaves_the_process_alone) {
    process child = spawn_cat();
    auto found = foreign_process::open(child.pid());
    CO_ASSERT_TRUE(found.has_value());
    auto waiting = create_task(found->wait());
    co_await yield();
    waiting.cancel();
    EXPECT_THROW(co_await waiting, cancelled);
    EXPECT_TRUE(found->is_running());
    child.kill();
    co_await child.wait();
}

CO_TEST(foreign_process, dropping_it_leaves_the_process_alone) {
    process child = spawn_cat();
    std::optional<foreign_process> found = foreign_process::open(child.pid());
    CO_ASSERT_TRUE(found.has_value());
    found.reset();
    EXPECT_TRUE(child.is_running());
    EXPECT_TRUE(child.send_signal(0));
    child.kill();
    co_await child.wait();
}

}  // namespace
}  // namespace mayhem
