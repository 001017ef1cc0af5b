// Lets the n-th system call of a scenario fail, for n = 1, 2, 3 ... until a run makes fewer: every
// connect, accept, send and open gets its turn to be the one that is refused.
//
// Real kernels refuse when they like, and never when asked; so this is done on the simulated one
// (loop/sim_backend.hpp), with an error that the call may give whatever the program does: the seed
// chooses among them. What the simulated kernel does besides is up to the caller: nothing by
// default, or `sim_options::rough(seed)`, in which errors meet short reads, delays and races.
//
// What is expected of the code under test: a std::system_error where something was asked for,
// nothing leaked, nothing stuck. A run may also end well.
//
// It refuses to fail calls of real descriptors (child processes, terminals), and those of C
// libraries, such as a database's: the simulated kernel does not see them.
#pragma once

#include "loop/sim_options.hpp"
#include "tasks/testing/scenario.hpp"

namespace mayhem::testing {

/// Up to the first failure. `points` are the calls that failed. `base` says how the kernel behaves
/// otherwise; its `fail_call` and `report` are the checker's own.
[[nodiscard]] findings try_failing_every_system_call(const scenario& what,
                                                     const sim_options& base = {});

/// The same; a failure is the current test's. The message has the call, its error, the seed, and
/// how to repeat that run alone.
findings fail_every_system_call(const scenario& what, const sim_options& base = {});

}  // namespace mayhem::testing
