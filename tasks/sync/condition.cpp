#include "tasks/sync/condition.hpp"

#include <exception>
#include <stdexcept>
#include <string>

namespace mayhem {
namespace {

class condition_wait final : public parked {
  public:
    explicit condition_wait(wait_queue& line) noexcept : line_(line) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, line_);
    }
    void await_resume() const { throw_if_wait_cancelled(); }
    [[nodiscard]] std::string describe() const override { return "condition.wait"; }

  private:
    wait_queue& line_;
};

}  // namespace

coro<void> condition::wait() {
    line_.check_thread("condition.wait");
    if (!locked()) throw std::logic_error("cannot wait on un-acquired lock");
    lock_->release();
    std::exception_ptr stopped;
    condition_wait place(line_);
    try {
        co_await place;
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    if (place.is_orphaned()) {  // the condition is gone, and its lock with it
        if (stopped) std::rethrow_exception(stopped);
        throw std::logic_error("the condition was destroyed while a task waited for it");
    }
    for (bool held = false; !held;) {  // the caller will release it, come what may
        try {
            co_await lock_->acquire();
            held = true;
        } catch (const cancelled&) {
            stopped = std::current_exception();
        }
    }
    if (!stopped) co_return;
    if (!place.was_cancelled()) notify();  // our notification is for somebody else
    std::rethrow_exception(stopped);
}

void condition::notify(std::size_t count) {
    line_.check_thread("condition.notify");
    if (!locked()) throw std::logic_error("cannot notify on un-acquired lock");
    while (count > 0 && line_.wake_one() != nullptr) --count;
}

}  // namespace mayhem
