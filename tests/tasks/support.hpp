// Small coroutines that the tests of tasks/ share.
#pragma once

#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "loop/event_loop.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/io/external_work.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/event.hpp"
#include "tasks/testing/assertions.hpp"
#include "tasks/testing/live_object.hpp"

namespace mayhem::testing {

/// Lets `count` ticks pass.
inline coro<> ticks(int count) {
    for (; count > 0; --count) co_await yield();
}

inline coro<int> value_after(duration delay, int value) {
    co_await mayhem::sleep(delay);
    co_return value;
}

inline coro<int> fail_after(duration delay, std::string what) {
    co_await mayhem::sleep(delay);
    throw std::runtime_error(what);
}

/// Calls `function` on a thread of its own while the loop goes on, and gives what it gave. A thread
/// on every backend: the executor of a simulated loop has none.
template <typename Function>
coro<std::invoke_result_t<Function&>> in_thread(Function function) {
    event_loop& loop = get_running_loop();
    event ended;
    std::packaged_task<std::invoke_result_t<Function&>()> job(std::move(function));
    auto outcome = job.get_future();
    const mayhem::detail::external_work outside(loop);
    const std::jthread other([&] {
        job();
        loop.call_soon_threadsafe([&] { ended.set(); });
    });
    co_await ended.wait();
    co_return outcome.get();
}

inline coro<> sleep_long() { co_await mayhem::sleep(std::chrono::hours(1)); }

}  // namespace mayhem::testing
