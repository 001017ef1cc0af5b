#include "tasks/sleep.hpp"

#include "loop/event_loop.hpp"

namespace mayhem::detail {

sleep_awaiter::~sleep_awaiter() {
    if (is_armed()) loop().cancel_timer(*this);
}

void sleep_awaiter::start() {
    if (!deadline_ && delay_ <= duration{0}) return end();
    try {
        loop().arm_timer(*this, deadline_ ? *deadline_ : deadline_after(loop().time(), delay_));
    } catch (...) {
        undo_suspend();
        throw;
    }
}

bool sleep_awaiter::cancel() noexcept {
    if (over_) return false;
    // The timer may have expired and be in the ready queue; it will find that we are over. The task
    // is woken behind it, so this awaiter still lives then.
    if (is_armed()) loop().cancel_timer(*this);
    cancelled_ = true;
    end();
    return true;
}

void sleep_awaiter::end() noexcept {
    over_ = true;
    wake();
}

}  // namespace mayhem::detail
