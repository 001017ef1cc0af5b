// Small coroutines and counters that the tests of tasks/ share.
#pragma once

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <utility>

#include "tasks/coro/coro.hpp"
#include "tasks/sleep.hpp"

/// EXPECT_THROW for statements that contain co_await.
#define CO_EXPECT_THROW(statement, type)                                     \
    do {                                                                     \
        bool has_thrown = false;                                             \
        try {                                                                \
            static_cast<void>(statement);                                    \
        } catch (const type&) {                                              \
            has_thrown = true;                                               \
        }                                                                    \
        EXPECT_TRUE(has_thrown) << #statement << " did not throw " << #type; \
    } while (false)

namespace mayhem::testing {

/// Counts how many of its kind are alive, so that a test sees what was destroyed never, or twice.
class live_object {
  public:
    explicit live_object(int value = 0) : value_(value) { ++alive_; }
    live_object(const live_object& other) : value_(other.value_) { ++alive_; }
    live_object(live_object&& other) noexcept : value_(std::exchange(other.value_, -1)) {
        ++alive_;
    }
    live_object& operator=(const live_object&) = default;
    live_object& operator=(live_object&& other) noexcept {
        value_ = std::exchange(other.value_, -1);
        return *this;
    }
    ~live_object() { --alive_; }

    /// -1 once it was moved from.
    [[nodiscard]] int value() const noexcept { return value_; }
    [[nodiscard]] static int alive() noexcept { return alive_; }

  private:
    static inline int alive_ = 0;
    int value_;
};

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
