// What a loop is told when it is made, and what is told to those around it: to the exception
// handler, and to the layer above, which the loop owns without knowing what it is.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "loop/backend.hpp"
#include "loop/clock.hpp"
#include "loop/sim_options.hpp"

namespace mayhem {

class event_loop;

/// How a loop is made.
struct loop_options {
    backend_kind backend = backend_kind::automatic;
    /// Debug mode; unset follows the environment's MAYHEM_DEBUG.
    std::optional<bool> debug{};
    /// Steps that last as long as this are reported *while* they do, by a thread that watches;
    /// see stall_watchdog.hpp. 0 is off. Unset follows the environment's MAYHEM_STALL; without
    /// that it is 50 ms for a loop that is made in debug mode, and off otherwise.
    std::optional<duration> stall_watchdog{};
    /// How long a loop that has nothing to do goes on looking before it sleeps. Being woken takes
    /// tens of microseconds; looking takes the processor. For dialogues with a core to spare, 50
    /// microseconds is a good value; 0 is off. A virtual clock does without.
    duration busy_poll{0};
    /// How much later than due timers may be when the loop sleeps and several are due within that
    /// time: one wake-up then serves all of them. The kernel does the same to its own sleepers,
    /// with 50 us. A timer that is alone is not delayed, and with up to five the last one is exact;
    /// 0 delays none, and more than a second is a second.
    duration timer_slack = std::chrono::microseconds(25);
    /// For tests: time stands still while anything can run, and jumps to the next deadline when
    /// nothing can, so that no test ever really sleeps.
    bool virtual_clock = false;
    /// Called with the loop at the end of its construction: for who drives a program from outside,
    /// and must reach loops that `run` makes.
    std::function<void(event_loop&)> on_created{};
    /// How the simulated kernel behaves, when the backend is `sim` (whose clock is always virtual).
    sim_options sim{};
};

/// What the exception handler is told; mirrors the context of asyncio's call_exception_handler.
struct exception_context {
    std::string message;             ///< what happened
    std::exception_ptr exception{};  ///< null when no exception is involved
    std::string subject{};           ///< the task or handle, as it describes itself
    std::string source_traceback{};  ///< where the subject was created; empty unless in debug mode
};

using exception_handler = std::function<void(event_loop&, const exception_context&)>;

struct stall_snapshot;

/// Something that belongs to a loop without the loop knowing what it is: the task layer keeps its
/// registry of tasks and its executor here.
class loop_extension {
  public:
    virtual ~loop_extension() = default;
    /// The loop closes: nothing is in flight any more, and nothing will run again.
    virtual void close() noexcept = 0;
    /// Writes down what runs now. Called by a signal handler on the loop's thread, at any moment:
    /// no memory, no locks.
    virtual void note_running(stall_snapshot& /*into*/) const noexcept {}
};

}  // namespace mayhem
