// How a program ends: every task is asked to stop, may clean up, and is waited for, but not for
// ever. `run` does this after its main task; asyncio's _cancel_all_tasks is the single pass of it.
//
//   1. Passes: every task that was not asked yet is cancelled, and waited for. Cleanup may start
//      tasks: the next pass asks those. What is shielded is left alone.
//   2. When nothing new appears, shielded tasks may go on until the drain deadline.
//   3. At the deadline everything that is left is cancelled, whether it is shielded or was asked
//      before, and has one more second. What starts meanwhile is asked in passes, too.
//   4. Whoever is left then is reported by the closing loop, with its stack, and destroyed.
//
// The passes are bounded: cleanup that starts tasks for ever is reported, and not waited for. A
// pass needs a little memory. Without it, it is tried again a tick later, since whoever ends gives
// some back; that is bounded, too.
#pragma once

#include "loop/event_loop.hpp"
#include "tasks/coro/coro.hpp"

namespace mayhem::detail {

/// Ends every task of `loop` but the one that runs this; what is shielded may go on until
/// `drained`. @returns false when there was too little memory for that: some tasks were asked, and
/// it may be tried again.
coro<bool> end_all_tasks(event_loop& loop, time_point drained);

}  // namespace mayhem::detail
