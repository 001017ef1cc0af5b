// The scenarios: small programs with something to lose, in three groups. Each is a coroutine;
// what it finds wrong goes to the notes.
#pragma once

#include "tests/stress/everywhere/support.hpp"

namespace mayhem::testing {

struct named_body {
    const char* name;
    coro<> (*body)(notes&);
};

/// Locks, events, queues.
[[nodiscard]] const std::vector<named_body>& sync_scenarios();
/// The same for gather, wait, as_completed, wait_for, timeout, shield, task_group, futures.
[[nodiscard]] const std::vector<named_body>& combining_scenarios();
/// The same for everything with a descriptor, and for executors. They use the disk and processes.
[[nodiscard]] const std::vector<named_body>& io_scenarios();

}  // namespace mayhem::testing
