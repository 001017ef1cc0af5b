// Cancels a scenario at every place where it can be cancelled, one run for each.
//
// Facts. A coroutine can be cancelled only between two steps of some task: while it is suspended,
// while it is ready (it was woken, given a lock or an item, and has not run yet), and before its
// first step. After each step, somebody's state has changed. So "after the n-th step of any task"
// for n = 1, 2, 3 ... is every place that there is.
//
// At each of them every task that is not done is cancelled, each in a run of its own (among them
// the one that has just suspended, and the main task), and then, in one more run, all of them
// together, as a shutdown would. After each run `scenario.hpp` looks for what was leaked, lost or
// stuck.
//
// With real descriptors the kernel decides what completes first, so that runs differ; the checker
// goes on until a run has fewer than n steps.
#pragma once

#include "tasks/testing/scenario.hpp"

namespace mayhem::testing {

/// Who is cancelled at a place.
enum class victims : std::uint8_t {
    each,  ///< every task, one run each; then all together
    main,  ///< the main task: what a first Ctrl-C, or a supervisor, does
};

/// Tries everything on one backend, and stops at the first failure. For those who make reports.
[[nodiscard]] findings try_cancelling_everywhere(const scenario& what, backend_kind kind,
                                                 victims who = victims::each);

/// Does so on every backend that works here; failures are the current test's. The message has the
/// backend, the place, the stacks of the task that had just run and of the one that was cancelled,
/// and how to repeat it. @returns the sum over the backends
findings cancel_everywhere(const scenario& what, victims who = victims::each);

}  // namespace mayhem::testing
