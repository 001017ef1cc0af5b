// Which event loop runs on this thread, and what a fork makes of it.
//
// A forked child has a copy of everything, but the ring and the epoll set are shared with the
// parent: a loop that both used would read the other's completions. So in the child no loop runs,
// whatever ran at the fork, and a loop that is older than the fork refuses to be used. The child
// may make loops of its own.
#pragma once

namespace mayhem {

class event_loop;

namespace detail {

// Needs no code to come into being, so that reaching it is one instruction.
extern constinit thread_local event_loop* running_loop;

[[noreturn]] void throw_no_running_loop();

}  // namespace detail

/// The loop that runs on this thread, or null; asyncio's _get_running_loop.
[[nodiscard]] inline event_loop* running_loop_or_null() noexcept { return detail::running_loop; }

/// The loop that runs on this thread. @throws loop_error("no running event loop")
[[nodiscard]] inline event_loop& get_running_loop() {
    event_loop* const loop = running_loop_or_null();
    if (loop == nullptr) [[unlikely]]
        detail::throw_no_running_loop();
    return *loop;
}

namespace detail {

/// How many forks lie between the first process that counted them and this one. Written only while
/// a process has a single thread: right after it was forked.
extern constinit unsigned forks;

/// From now on `forks` counts. If that cannot be arranged (no memory), they go unnoticed.
void count_forks() noexcept;

}  // namespace detail
}  // namespace mayhem
