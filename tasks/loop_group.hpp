// Several loops, each on a thread of its own, which share nothing: how a program uses more than one
// processor. Seastar's shards; the loop that asyncio runs in each process of a pool.
//
//     loop_group group;                                   // a loop for each processor
//     group.run([&](std::size_t index) -> coro<> {        // once on each of them
//         listen_options options;
//         options.share_port = true;                      // the kernel deals the connections out
//         auto listener = tcp_listener::bind(where, options);
//         for (;;) create_task(serve(co_await listener.accept()));
//     });
//
// Nothing of one loop may be touched on another; what has to cross goes through
// run_coroutine_threadsafe(body, group.loop(index)) or call_soon_threadsafe. A connection crosses
// as its bare descriptor: `stream.release()` here, `tcp_stream(get_running_loop(), descriptor)`
// there.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "tasks/coro/coro.hpp"
#include "tasks/run.hpp"

namespace mayhem {

struct loop_group_options {
    /// How many loops; 0 is one for each processor that this process may use.
    std::size_t size = 0;
    /// Keeps each loop on a processor of its own, if there are enough.
    bool pin = true;
    /// The threads are called loop-1, loop-2 and so on; loop 0 runs in the calling thread, which
    /// keeps its name.
    std::string name = "loop";
    /// For each of the loops. Only loop 0 handles Ctrl-C.
    run_options run{};
};

class loop_group {
  public:
    explicit loop_group(loop_group_options options = {});
    loop_group(const loop_group&) = delete;
    loop_group& operator=(const loop_group&) = delete;
    ~loop_group();

    [[nodiscard]] std::size_t size() const noexcept;

    /// REQUIRES: called from within `run`, on any of its threads. All loops are there before the
    /// first body starts, and stay until the last one has ended.
    [[nodiscard]] event_loop& loop(std::size_t index) const;

    /// Runs `body(index)` on each loop as its main task, and returns when all of them have ended.
    /// When one fails, or is cancelled, the others are cancelled, and what failed is thrown as one
    /// exception_group. Ctrl-C cancels all of them, and `interrupted` is thrown. `body` is copied
    /// for each loop and lives until its coroutine has ended.
    ///
    /// Signals go to loop 0 alone: the other threads block them.
    /// @throws std::system_error when a thread or a loop cannot be had; nothing was run then
    void run(const std::function<coro<void>(std::size_t index)>& body);

  private:
    class session;

    loop_group_options options_;
    std::unique_ptr<session> session_;  // while it runs
};

}  // namespace mayhem
