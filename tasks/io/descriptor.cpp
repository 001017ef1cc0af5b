#include "tasks/io/descriptor.hpp"

#include <coroutine>
#include <utility>

#include "loop/check.hpp"
#include "tasks/io/close_wait.hpp"

namespace mayhem::detail {

/// Apart from `leave`, which is inline, so that awaiters' destructors stay short.
void descriptor_user::leave_unawaited() noexcept { leave(); }

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

int descriptor::refusal_beside_others(io_use use) noexcept {
    if (use == io_use::other) return 0;
    for (descriptor_user* other = in_flight_.front(); other != nullptr;
         other = in_flight_.next(*other)) {
        if (other->use() == use) return EBUSY;
    }
    return 0;
}

coro<void> descriptor::close() {
    if (!fd_) co_return;
    check_thread("close");
    closing_ = true;
    for (descriptor_user* user = in_flight_.front(); user != nullptr;
         user = in_flight_.next(*user)) {
        user->ask_to_end();
    }
    while (!in_flight_.empty()) {
        close_wait ended(idle_, "operations to end before close");
        co_await ended;
    }
    close_now();
}

unique_fd descriptor::release() noexcept {
    MAYHEM_CHECK(in_flight_.empty(),
                 "a stream was released while an operation was in flight on it");
    if (!fd_) return {};
    closing_ = true;
    if (!home_->is_closed()) loop_.release(fd_.get());
    home_.reset();  // a closed stream that is kept keeps no descriptor of a loop open
    return std::move(fd_);
}

}  // namespace mayhem::detail
