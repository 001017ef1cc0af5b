// An object that is counted: for tests of containers, queues and coroutines, which must destroy
// what they hold exactly once. Also what shows a compiler that destroys a temporary twice.
//
// It refuses to be thread-safe: the count belongs to the loop's thread.
#pragma once

#include <utility>

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

}  // namespace mayhem::testing
