// A flag that tasks can wait for; asyncio.Event.
#pragma once

#include <string>

#include "tasks/coro/wait_queue.hpp"

namespace mayhem {

class event;

namespace detail {

class event_wait final : public parked {
  public:
    explicit event_wait(event& target) noexcept : event_(target) {}

    bool await_ready() const noexcept;
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept;
    void await_resume() const {
        if (task() != nullptr) throw_if_wait_cancelled();
    }
    [[nodiscard]] std::string describe() const override { return "event.wait"; }

  private:
    event& event_;
};

class event_operation {
  public:
    explicit event_operation(event& target) noexcept : event_(&target) {}
    event_wait operator co_await() const noexcept { return event_wait(*event_); }

  private:
    event* event_;
};

}  // namespace detail

/// Tells any number of tasks that something has happened.
class event {
  public:
    [[nodiscard]] bool is_set() const noexcept { return set_; }

    /// Wakes everybody who waits; later waits do not suspend.
    void set() {
        line_.check_thread("event.set");
        if (set_) return;
        set_ = true;
        line_.wake_all();
    }

    /// Later waits suspend again. Who was woken by `set` stays woken.
    void clear() {
        line_.check_thread("event.clear");
        set_ = false;
    }

    /// `co_await event.wait()` suspends until the flag is set.
    [[nodiscard]] detail::event_operation wait() {
        line_.check_thread("event.wait");
        return detail::event_operation(*this);
    }

  private:
    friend class detail::event_wait;
    wait_queue line_;
    bool set_ = false;
};

// ---- Implementation details follow --------------------------------------------------------

inline bool detail::event_wait::await_ready() const noexcept { return event_.is_set(); }

template <typename Promise>
void detail::event_wait::await_suspend(std::coroutine_handle<Promise> frame) noexcept {
    park(frame, event_.line_);
}

}  // namespace mayhem
