#include "tasks/io/descriptor.hpp"

#include <cerrno>
#include <coroutine>

#include "loop/check.hpp"

namespace mayhem::detail {
namespace {

/// Waits in `close` until the operations in flight have come home.
class idle_wait final : public parked {
  public:
    explicit idle_wait(wait_queue& line) noexcept : line_(line) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, line_);
    }
    void await_resume() const noexcept {}

    /// Not to be cancelled, see descriptor::close.
    bool cancel() noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return "operations to end before close"; }

  private:
    wait_queue& line_;
};

}  // namespace

descriptor::~descriptor() {
    // When the loop closes, everything has been taken back from the kernel before frames are
    // destroyed, but the awaiters of other frames may still be here.
    while (descriptor_user* user = in_flight_.pop_front()) {
        MAYHEM_CHECK(!user->is_in_flight(),
                     "a stream was destroyed while an operation was in flight on it; co_await its "
                     "close() first");
        user->on_ = nullptr;
    }
    close_now();
}

int descriptor::refusal(io_use use) noexcept {
    if (!is_open()) return EBADF;
    if (use == io_use::other) return 0;
    for (descriptor_user* other = in_flight_.front(); other != nullptr;
         other = in_flight_.next(*other)) {
        if (other->use() == use) return EBUSY;
    }
    return 0;
}

void descriptor_user::enter() noexcept {
    on_->in_flight_.push_back(*this);
    entered_ = true;
}

void descriptor_user::leave() noexcept {
    if (!entered_) return;
    entered_ = false;
    if (on_ == nullptr) return;
    on_->in_flight_.remove(*this);
    if (on_->in_flight_.empty()) on_->idle_.wake_all();
}

coro<void> descriptor::close() {
    if (!fd_) co_return;
    closing_ = true;
    for (descriptor_user* user = in_flight_.front(); user != nullptr;
         user = in_flight_.next(*user)) {
        user->ask_to_end();
    }
    while (!in_flight_.empty()) {
        idle_wait ended(idle_);
        co_await ended;
    }
    close_now();
}

void descriptor::close_now() noexcept {
    if (!fd_) return;
    closing_ = true;
    if (!home_->is_closed()) loop_.release(fd_.get());
    fd_.reset();
}

}  // namespace mayhem::detail
