// How `close` waits for what is in flight: without being cancellable, because until the kernel has
// let go of the buffers there is nothing that could be given back to the caller.
#pragma once

#include <string>

#include "tasks/coro/wait_queue.hpp"

namespace mayhem::detail {

class close_wait final : public parked {
  public:
    /// @param what for stack dumps; must outlive the wait
    close_wait(wait_queue& line, const char* what) noexcept : line_(line), what_(what) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, line_);
    }
    void await_resume() const noexcept {}

    bool cancel() noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return what_; }

  private:
    wait_queue& line_;
    const char* what_;
};

}  // namespace mayhem::detail
