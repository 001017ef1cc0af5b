// The way into the asynchronous world and out of it: `run` makes a loop, runs one coroutine to its
// end, and leaves nothing behind.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "loop/event_loop.hpp"
#include "tasks/coro/task.hpp"

namespace mayhem {

struct run_options {
    loop_options loop{};
    /// How long the shutdown waits: shielded tasks may go on until then, others may clean up.
    /// Afterwards everything is cancelled (again), and has one more second.
    std::chrono::nanoseconds drain = std::chrono::seconds(10);
    /// How long to wait for jobs of the default executor that still run. Then a warning is logged
    /// and their threads are left behind.
    std::chrono::nanoseconds executor_shutdown = std::chrono::seconds(300);
    /// Ctrl-C cancels the main task and `run` throws `interrupted`; a second one stops at once.
    bool handle_interrupt = true;
};

/// `run` was ended by SIGINT; asyncio's KeyboardInterrupt.
class interrupted : public std::runtime_error {
  public:
    interrupted() : std::runtime_error("interrupted by SIGINT") {}
};

/// Runs the loop until somebody stops it; asyncio's loop.run_forever. Ctrl-C ends it, too, by
/// throwing `interrupted` after the tick; the tasks are left as they are, and the loop may run
/// again. A handler that the loop has for SIGINT takes precedence. (`loop.run_forever()` alone
/// leaves SIGINT to the system, which ends the process.)
void run_forever(event_loop& loop);

namespace detail {
void run_until_done(event_loop& loop, const task_ref& main);
}

/// Runs `body` as a task until it is done, and then stops the loop, with whatever else it was busy;
/// asyncio's loop.run_until_complete. Returns the value or throws the exception of `body`. Ctrl-C
/// is as in run_forever.
/// @throws loop_error when something else stops the loop; the task can be run further.
template <typename T>
T run_until_complete(event_loop& loop, coro<T> body) {
    auto main = create_task(loop, std::move(body));
    detail::run_until_done(loop, main);
    return main.state()->take_value();
}

/// Nothing was ready, and nothing could ever become ready: every task waits for another.
class deadlock : public loop_error {
  public:
    using loop_error::loop_error;
};

/// Runs coroutines on one loop; asyncio.Runner. `run` below is this for a single coroutine.
class runner {
  public:
    explicit runner(const run_options& options = {});
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    /// Cancels what is left and waits for it (see shutdown.hpp), shuts the default executor down
    /// while the loop goes on, so that jobs which wait for it can end, and closes the loop.
    ~runner();

    [[nodiscard]] event_loop& loop() noexcept { return loop_; }

    /// Runs `body` as the main task until it is done. Returns its value or throws its exception;
    /// throws `interrupted` after Ctrl-C, and `deadlock`, with every task's stack in the message,
    /// when nothing can ever happen again.
    template <typename T>
    T run(coro<T> body) {
        refuse_nesting();
        auto main = create_task(loop_, std::move(body), "main");
        run_until_done(main);
        return main.state()->take_value();
    }

    /// What the destructor does. Later calls do nothing.
    void close();

  private:
    void refuse_nesting() const;
    void run_until_done(const task_ref& main);
    void on_interrupt(const task_ref& main);
    [[nodiscard]] bool is_alone();
    void on_deadlock();
    void end_tasks();
    void end_executor();

    run_options options_;
    event_loop loop_;
    task_ref main_;  // what run_until_done waits for
    int interrupts_ = 0;
    bool stopped_by_interrupt_ = false;
    std::optional<std::string> deadlock_;
};

/// Makes a loop, runs `body`, cancels every task that is left, and closes the loop; asyncio.run.
/// @returns what `body` returns, or throws what it throws; see runner::run for the rest.
template <typename T>
T run(coro<T> body, const run_options& options = {}) {
    try {
        runner own(options);
        return own.run(std::move(body));
    } catch (...) {
        throw;  // an exception that nobody catches unwinds nothing: the tasks would not clean up
    }
}

}  // namespace mayhem
