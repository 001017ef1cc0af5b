#include "tasks/coro/wait_queue.hpp"

namespace mayhem {

void parked::leave_line() noexcept { (ended_ ? line_->ended_ : line_->waiting_).remove(*this); }

void parked::enter(wait_queue& line) noexcept {
    line_ = &line;
    line.waiting_.push_back(*this);
}

void parked::end_wait() noexcept {
    ended_ = true;
    if (line_ != nullptr) line_->ended_.push_back(*this);
    wake();
}

bool parked::cancel() noexcept {
    if (ended_) return false;  // woken already: the hand-over stands
    if (line_ != nullptr) line_->waiting_.remove(*this);
    cancelled_ = true;
    end_wait();
    return true;
}

bool parked::cancel_is_due() const noexcept { return cancelled_ || has_pending_cancel(); }

parked* wait_queue::wake_first() noexcept {
    parked* const first = waiting_.pop_front();
    first->end_wait();
    return first;
}

}  // namespace mayhem
