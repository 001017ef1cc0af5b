// What the checkers run, over and over: a coroutine on a fresh loop, and what must hold when it has
// ended, however it was disturbed.
//
// Model: SQLite's anomaly tests, which let the n-th allocation (or write) fail for n = 1, 2, 3 ...
// until a run is no longer disturbed. `cancel_everywhere` disturbs by cancelling after the n-th
// step of a task, `fail_every_allocation` by std::bad_alloc at the n-th operator new,
// `fail_every_system_call` by an error of the n-th call. What is looked for afterwards is the same,
// and is here.
//
//     int put = 0;
//     int got = 0;
//     scenario handing_over;
//     handing_over.body = [&]() -> coro<void> { ... };
//     handing_over.check = [&] { return put == got ? "" : "an item is lost"; };
//     cancel_everywhere(handing_over);
//
// It refuses to guess what a scenario may do: whatever is not `cancelled` and was not announced by
// `may_throw` or `may_deadlock` is a failure.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/backend.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/run.hpp"

namespace mayhem::testing {

struct scenario {
    /// Called for each run; the function outlives the coroutine, so captures are safe. What the
    /// tasks share should live outside of the coroutine: the main task may end first, in any way.
    std::function<coro<void>()> body;
    /// Called after each run, when the loop is closed. Returns what is wrong; empty when all is
    /// well. The place to begin anew for the next run, too. May be empty.
    std::function<std::string()> check{};
    /// Which exceptions, besides `cancelled`, a disturbed run may end with, or give to the loop's
    /// exception handler. Empty: none.
    std::function<bool(const std::exception_ptr&)> may_throw{};
    /// True when tasks may be left waiting for somebody who was cancelled.
    bool may_deadlock = false;
};

/// What a checker did.
struct findings {
    std::size_t points = 0;              ///< places at which a run was disturbed
    std::size_t runs = 0;                ///< all of them, the undisturbed one included
    std::optional<std::string> trouble;  ///< the first failure; then it stopped
};

/// What a process holds that a finished loop must not leave behind.
struct holdings {
    std::size_t blocks;       ///< frames, tasks, futures, callbacks
    std::size_t descriptors;  ///< open ones
    std::size_t threads;      ///< of the process
    bool children;            ///< any, running or zombies

    static holdings now();
    /// "2 descriptors were leaked" ...; empty when nothing was. Fewer than before is wrong too.
    [[nodiscard]] std::string difference_from(const holdings& before) const;
};

/// Called around what is not the scenario's own: a checker that makes allocations fail must spare
/// these.
class disturbance : public step_observer {
  public:
    virtual void begin() noexcept {}
    virtual void pause() noexcept {}
    /// Before the loop is made: the place to ask a simulated kernel for trouble.
    virtual void set_options(loop_options& /*options*/) {}

    /// How many steps a run may take before it is said to go on for ever.
    static constexpr std::size_t steps_max = 200'000;

    void after_step(task_base& task) noexcept override;
    /// The loop of this run.
    void set_loop(event_loop* loop) noexcept { loop_ = loop; }
    [[nodiscard]] std::size_t steps() const noexcept { return steps_; }

  protected:
    ~disturbance() = default;
    /// After each step but those of the shutdown.
    virtual void on_step(task_base& /*task*/) noexcept {}
    [[nodiscard]] event_loop& loop() const noexcept { return *loop_; }

  private:
    event_loop* loop_ = nullptr;
    std::size_t steps_ = 0;
};

/// Runs the scenario once. Returns what went wrong; empty when nothing did.
[[nodiscard]] std::string run_disturbed(const scenario& what, backend_kind kind, disturbance& by);

/// As long as one exists, std::terminate says first which run it was: `tell` prints it. For
/// disturbances that turn a noexcept into the end of the process.
class terminate_watch {
  public:
    explicit terminate_watch(void (*tell)());
    terminate_watch(const terminate_watch&) = delete;
    terminate_watch& operator=(const terminate_watch&) = delete;
    ~terminate_watch();
};

/// The one disturbance to be repeated: `uring:17` or `uring:17.2` in MAYHEM_CHECK_ONLY.
struct only_point {
    std::string backend;
    std::size_t point = 0;
    std::optional<std::size_t> variant;

    [[nodiscard]] static std::optional<only_point> from_environment();
};

/// `MAYHEM_CHECK_ONLY=uring:17.2 program --gtest_filter=...`: how to repeat what failed.
[[nodiscard]] std::string how_to_repeat(std::string_view where);

/// Makes a failure of the current test out of `found`, if there is trouble.
void report(const findings& found);

}  // namespace mayhem::testing
