#include "tasks/sleep.hpp"

#include "loop/event_loop.hpp"

namespace mayhem::detail {

sleep_awaiter::~sleep_awaiter() {
    if (is_armed()) loop().cancel_timer(*this);
}

void sleep_awaiter::start() {
    if (!deadline_ && delay_ <= duration{0}) return wake();
    try {
        loop().arm_timer(*this, deadline_ ? *deadline_ : deadline_after(loop().time(), delay_));
    } catch (...) {
        undo_suspend();
        throw;
    }
}

bool sleep_awaiter::cancel() noexcept {
    if (!is_armed()) return false;  // over already
    loop().cancel_timer(*this);
    cancelled_ = true;
    wake();
    return true;
}

}  // namespace mayhem::detail
