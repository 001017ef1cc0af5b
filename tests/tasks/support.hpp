// Small coroutines that the tests of tasks/ share.
#pragma once

#include <stdexcept>
#include <string>

#include "tasks/coro/coro.hpp"
#include "tasks/sleep.hpp"
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

inline coro<> sleep_long() { co_await mayhem::sleep(std::chrono::hours(1)); }

}  // namespace mayhem::testing
