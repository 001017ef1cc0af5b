// Child processes: what they get, how they end, and that nothing of them stays.
#include <array>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tasks/io/pidfd.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;
using namespace std::chrono_literals;
using arguments = std::vector<std::string>;

process_options with_output() {
    process_options options;
    options.standard_output = stdio::pipe();
    return options;
}

arguments shell(std::string script) { return {"/bin/sh", "-c", std::move(script)}; }

coro<std::string> read_everything(pipe_reader& from) {
    std::string text;
    std::array<std::byte, 4096> buffer{};
    for (;;) {
        const std::size_t count = co_await from.read_some(buffer);
        if (count == 0) co_return text;
        text.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
}

/// What `script` writes to its standard output.
coro<std::string> output_of(std::string script, process_options options = with_output()) {
    process child = process::spawn(shell(std::move(script)), options);
    std::string text = co_await read_everything(child.standard_output());
    co_await child.wait();
    co_return text;
}

/// A line of the child's /proc/self/status as a set of the standard signals. (What is above them
/// may be ignored: the C library keeps two for itself.)
coro<unsigned long> signal_mask_of_a_child(std::string name) {
    constexpr unsigned long standard_signals = 0x7fffffff;
    const std::string text = co_await output_of("grep " + name + " /proc/self/status | cut -f2");
    co_return std::stoul(text, nullptr, 16) & standard_signals;
}

/// True when no child of ours is left, neither running nor dead.
bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

CO_TEST(process, exit_codes_and_signals_are_told_apart) {
    process exits = process::spawn(shell("exit 3"));
    const exit_status three = co_await exits.wait();
    EXPECT_EQ(three.code(), 3);
    EXPECT_EQ(three.signal(), std::nullopt);
    EXPECT_FALSE(three.success());
    EXPECT_EQ(three.to_string(), "exit code 3");

    process dies = process::spawn(shell("kill -9 $$"));
    const exit_status killed = co_await dies.wait();
    EXPECT_EQ(killed.signal(), SIGKILL);
    EXPECT_EQ(killed.code(), std::nullopt);
    EXPECT_EQ(killed.returncode(), -SIGKILL);
    EXPECT_EQ(killed.to_string(), "SIGKILL");
}

CO_TEST(process, cat_gives_back_what_it_was_given) {
    process_options options = with_output();
    options.standard_input = stdio::pipe();
    process cat = process::spawn(arguments{"cat"}, options);
    co_await cat.standard_input().write_all("through the cat");
    co_await cat.standard_input().close();
    EXPECT_EQ(co_await read_everything(cat.standard_output()), "through the cat");
    EXPECT_TRUE((co_await cat.wait()).success());
}

CO_TEST(process, a_program_that_does_not_exist_is_named) {
    try {
        const process child = process::spawn(arguments{"no-such-program-anywhere"});
        ADD_FAILURE() << "it was found";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string(error.what()).find("no-such-program-anywhere"), std::string::npos);
    }
    co_return;
}

// ---- What the child gets ------------------------------------------------------------------

CO_TEST(process, the_environment_and_the_folder_are_as_asked) {
    process_options options = with_output();
    options.environment = {"MAYHEM_TEST=seen", "PATH=/usr/bin:/bin"};
    options.working_directory = "/";
    const std::string text = co_await output_of("echo $MAYHEM_TEST:$HOME:$(pwd)", options);
    EXPECT_EQ(text, "seen::/\n");
}

CO_TEST(process, no_output_and_no_input_when_they_are_null) {
    process_options options = with_output();
    options.standard_input = stdio::null();
    options.standard_error = stdio::null();
    EXPECT_EQ(co_await output_of("cat; echo out; echo err >&2", options), "out\n");
}

CO_TEST(process, a_given_descriptor_is_used_and_stays_open) {
    int ends[2] = {-1, -1};
    CO_ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const unique_fd read_end(ends[0]);
    const unique_fd write_end(ends[1]);
    process_options options;
    options.standard_output = stdio::descriptor(write_end.get());
    options.standard_error = stdio::descriptor(write_end.get());
    process child = process::spawn(shell("echo out; echo err >&2"), options);
    co_await child.wait();
    char text[32] = {};
    EXPECT_EQ(::read(read_end.get(), text, sizeof text), 8);
    EXPECT_STREQ(text, "out\nerr\n");
    EXPECT_GE(::fcntl(write_end.get(), F_GETFD), 0);
}

CO_TEST(process, output_and_error_may_be_swapped) {
    // The sources are targets themselves: done in sequence, one would overwrite the other.
    process_options options;
    options.standard_output = stdio::descriptor(STDERR_FILENO);
    options.standard_error = stdio::descriptor(STDOUT_FILENO);
    const std::string script =
        "[ /proc/self/fd/1 -ef /proc/$PPID/fd/2 ] && "
        "[ /proc/self/fd/2 -ef /proc/$PPID/fd/1 ]";
    process child = process::spawn(shell(script), options);
    EXPECT_TRUE((co_await child.wait()).success());
}

CO_TEST(process, no_other_descriptor_is_inherited) {
    const unique_fd leaking(::dup(STDERR_FILENO));  // not close-on-exec
    const std::string text = co_await output_of("ls /proc/self/fd | tr '\\n' ' '");
    // The fourth is what `ls` itself opened for the folder.
    EXPECT_EQ(text, "0 1 2 3 ");
}

CO_TEST(process, signals_are_unblocked_and_have_their_default_action) {
    event_loop& loop = get_running_loop();
    loop.add_signal_handler(SIGTERM, [](int) {});  // blocks it in this process
    pipe_ends unused = make_pipe();                // makes this process ignore SIGPIPE
    EXPECT_EQ(co_await signal_mask_of_a_child("SigBlk"), 0U);
    EXPECT_EQ(co_await signal_mask_of_a_child("SigIgn"), 0U);
    process child = process::spawn(arguments{"sleep", "1000"});
    child.terminate();
    EXPECT_EQ((co_await child.wait()).signal(), SIGTERM);
    loop.remove_signal_handler(SIGTERM);
}

CO_TEST(process, a_group_of_its_own_is_killed_as_a_whole) {
    pid_t grandchild = 0;
    {
        process_options options = with_output();
        options.new_process_group = true;
        process child = process::spawn(shell("sleep 1000 & echo $!; wait"), options);
        EXPECT_EQ(::getpgid(child.pid()), child.pid());
        line_reader lines(child.standard_output());
        grandchild = std::stoi((co_await lines.read_line()).value_or("0"));
        CO_ASSERT_TRUE(grandchild > 0);
        EXPECT_EQ(::kill(grandchild, 0), 0);
        // Its output ends when the last one that holds it is dead.
        process dying = std::move(child);
    }
    // init reaps it in its own time; dead it is by now, or a zombie in a moment.
    const unique_fd watch = mayhem::detail::open_pidfd(grandchild);
    if (watch) {
        pollfd ended{.fd = watch.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&ended, 1, 10000), 1);
    }
}

// ---- How it ends --------------------------------------------------------------------------

CO_TEST(process, any_number_of_tasks_may_wait_also_afterwards) {
    process_options options;
    options.standard_input = stdio::pipe();
    process child = process::spawn(arguments{"cat"}, options);
    auto waiting = [&]() -> coro<exit_status> { co_return co_await child.wait(); };
    auto first = create_task(waiting());
    auto second = create_task(waiting());
    co_await yield();
    EXPECT_TRUE(child.is_running());
    EXPECT_EQ(child.status(), std::nullopt);
    co_await child.standard_input().close();
    EXPECT_TRUE((co_await first).success());
    EXPECT_TRUE((co_await second).success());
    EXPECT_TRUE((co_await child.wait()).success());
    EXPECT_FALSE(child.is_running());
    EXPECT_EQ(child.status(), exit_status::exited(0));
}

CO_TEST(process, children_that_end_together_are_all_reaped) {
    std::vector<process> children;
    process_options options;
    options.standard_input = stdio::pipe();
    for (int number = 0; number < 20; ++number) {
        children.push_back(process::spawn(arguments{"cat"}, options));
    }
    for (process& child : children) child.kill();
    for (process& child : children) EXPECT_EQ((co_await child.wait()).signal(), SIGKILL);
    EXPECT_TRUE(no_children());
}

CO_TEST(process, a_child_is_reaped_although_nobody_waits) {
    process child = process::spawn(shell("exit 0"));
    // While a child runs the virtual clock stands still; so this sleep ends after it was reaped.
    co_await mayhem::sleep(1ms);
    EXPECT_FALSE(child.is_running());
    EXPECT_TRUE(no_children());
}

CO_TEST(process, a_cancelled_wait_leaves_the_process_running) {
    process child = process::spawn(arguments{"sleep", "1000"});
    auto waiting = [&]() -> coro<> { co_await child.wait(); };
    auto waiter = create_task(waiting());
    co_await yield();
    EXPECT_NE(waiter.describe().find("exit of process"), std::string::npos) << waiter.describe();
    waiter.cancel();
    EXPECT_TRUE(co_await ends_cancelled(waiter));
    EXPECT_TRUE(child.is_running());
    EXPECT_EQ(::kill(child.pid(), 0), 0);
    EXPECT_TRUE(child.terminate());
    EXPECT_EQ((co_await child.wait()).signal(), SIGTERM);
}

CO_TEST(process, a_signal_after_the_end_goes_nowhere) {
    process child = process::spawn(shell("exit 0"));
    co_await child.wait();
    EXPECT_FALSE(child.terminate());
    EXPECT_FALSE(child.kill());
}

CO_TEST(process, a_child_that_somebody_else_reaped_is_an_error_and_not_a_hang) {
    process child = process::spawn(arguments{"sleep", "1000"});
    child.kill();
    EXPECT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
    bool failed = false;
    try {
        co_await child.wait();
    } catch (const std::system_error& error) {
        failed = error.code() == std::errc::no_child_process;
    }
    EXPECT_TRUE(failed);
}

CO_TEST(process, a_destroyed_process_is_killed_and_reaped) {
    {
        const process forgotten = process::spawn(arguments{"sleep", "1000"});
        EXPECT_TRUE(forgotten.is_running());
    }
    co_await mayhem::sleep(1ms);  // the clock waits for the child
    EXPECT_TRUE(no_children());
}

CO_TEST(process, a_coroutine_that_is_cancelled_half_way_leaves_no_child) {
    auto body = []() -> coro<> {
        process child = process::spawn(arguments{"sleep", "1000"}, with_output());
        co_await read_everything(child.standard_output());
        ADD_FAILURE() << "the child has ended by itself";
    };
    auto half_way = create_task(body());
    co_await yield();
    EXPECT_FALSE(no_children());
    half_way.cancel();
    const auto [outcome] = co_await gather(return_exceptions, half_way);
    EXPECT_TRUE(is_cancelled(outcome.exception()));
    co_await mayhem::sleep(1ms);  // the clock waits for the child
    EXPECT_TRUE(no_children());
}

CO_TEST(process, an_assigned_over_process_is_killed_and_reaped) {
    process child = process::spawn(arguments{"sleep", "1000"});
    child = process::spawn(shell("exit 7"));
    EXPECT_EQ((co_await child.wait()).code(), 7);
    co_await mayhem::sleep(1ms);
    EXPECT_TRUE(no_children());
}

// The loop may be closed while the child runs, and while a suspended frame holds the process.
TEST(process, no_child_outlives_its_loop) {
    mayhem::testing::for_each_backend([](backend_kind kind) {
        {
            event_loop loop(mayhem::testing::test_options(kind).loop);
            loop.set_exception_handler([](event_loop&, const exception_context&) {});
            auto hold = []() -> coro<> {
                process child = process::spawn(arguments{"sleep", "1000"});
                co_await child.wait();
            };
            auto main = create_task(loop, hold());
            for (int tick = 0; tick < 3; ++tick) {
                loop.stop();
                loop.run_forever();
            }
            EXPECT_FALSE(main.done());
        }
        EXPECT_TRUE(no_children());
    });
}

TEST(process, a_process_destroyed_after_its_loop_is_reaped_all_the_same) {
    mayhem::testing::for_each_backend([](backend_kind kind) {
        process child;
        auto start = [&]() -> coro<> {
            child = process::spawn(arguments{"sleep", "1000"});
            co_return;
        };
        mayhem::run(start(), mayhem::testing::test_options(kind));
        EXPECT_TRUE(child.is_running());
        child = process();
        EXPECT_TRUE(no_children());
    });
}

}  // namespace
