// Which event loop runs on this thread, and what a fork makes of it.
//
// A forked child has a copy of everything, but the ring and the epoll set are shared with the
// parent: a loop that both used would read the other's completions. So in the child no loop runs,
// whatever ran at the fork, and a loop that is older than the fork refuses to be used. The child
// may make loops of its own.
#pragma once

namespace mayhem {

class event_loop;

/// The loop that runs on this thread, or null; asyncio's _get_running_loop.
[[nodiscard]] event_loop* running_loop_or_null() noexcept;

/// The loop that runs on this thread. @throws loop_error("no running event loop")
[[nodiscard]] event_loop& get_running_loop();

namespace detail {

void set_running_loop(event_loop* loop) noexcept;

/// How many forks lie between the first process that counted them and this one. Written only while
/// a process has a single thread: right after it was forked.
extern constinit unsigned forks;

/// From now on `forks` counts. If that cannot be arranged (no memory), they go unnoticed.
void count_forks() noexcept;

}  // namespace detail
}  // namespace mayhem
