// Lets the n-th allocation of a scenario fail with std::bad_alloc, for n = 1, 2, 3 ... until a run
// needs fewer: every place that allocates gets its turn to be the one without memory.
//
// For this, operator new is replaced for the whole program, so it is not done behind anybody's
// back: link `mayhem_testing_allocations` (pkg-config has it) into a test program of its own. Who
// calls this without it gets a linker's error that names `allocation_gate`.
//
// What is expected of the code under test: bad_alloc where something was asked for, nothing leaked,
// nothing stuck. A run may also end well: some allocations are done without (a log line, a name).
// std::terminate is never right; the checker then prints which allocation it was.
//
// It refuses to fail allocations of other threads (executors), whose number nobody can foresee, and
// those of C libraries, which call malloc.
#pragma once

#include "tasks/testing/scenario.hpp"

namespace mayhem::testing {

/// Counts this thread's allocations while it is open, and fails one of them, once.
class allocation_gate {
  public:
    /// Counts from 1; 0 fails none. Resets the count, and leaves the gate shut.
    static void fail_at(std::size_t number) noexcept;
    static void open() noexcept;
    static void shut() noexcept;
    /// How many went through, the one that failed included.
    [[nodiscard]] static std::size_t count() noexcept;
    [[nodiscard]] static bool has_failed() noexcept;
    /// Where the one that failed was asked for: the thread's stack, a frame per line.
    [[nodiscard]] static std::string where();
};

/// One backend, up to the first failure. The loop is made and closed while allocations fail, too.
[[nodiscard]] findings try_failing_every_allocation(const scenario& what, backend_kind kind);

/// On every real backend that works here; failures are the current test's. @returns the sum
findings fail_every_allocation(const scenario& what);

}  // namespace mayhem::testing
