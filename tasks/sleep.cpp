#include "tasks/sleep.hpp"

#include "loop/event_loop.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem::detail {

sleep_awaiter::~sleep_awaiter() {
    if (is_armed()) loop().cancel_timer(*this);
}

/// @returns false when the sleep is over without a wait: a test decided so.
bool sleep_awaiter::start() {
    const duration wanted = time();
    if (!is_deadline_ && wanted <= duration{0}) {
        end();
        return true;
    }
    try {
        if (const auto& decide = runtime::of(loop()).sleep_hook()) [[unlikely]] {
            const sleep_fate fate =
                decide(is_deadline_ ? time_point(wanted) - loop().time() : wanted);
            if (fate == sleep_fate::in_a_tick) end();
            if (fate == sleep_fate::at_once) undo_suspend();
            if (fate != sleep_fate::takes_its_time) return fate == sleep_fate::in_a_tick;
        }
        loop().arm_timer(*this,
                         is_deadline_ ? time_point(wanted) : deadline_after(loop().time(), wanted));
    } catch (...) {
        undo_suspend();
        throw;
    }
    return true;
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
