#include "tasks/coro/wait_queue.hpp"

namespace mayhem {

parked::~parked() {
    if (line_ != nullptr) line_->waiting_.remove(*this);
}

void parked::enter(wait_queue& line) noexcept {
    line_ = &line;
    line.waiting_.push_back(*this);
}

void parked::wake_from_queue() noexcept {
    line_ = nullptr;
    wake();
}

bool parked::cancel() noexcept {
    if (cancelled_) return false;
    if (line_ != nullptr) {
        line_->waiting_.remove(*this);
    } else if (!orphaned_) {
        return false;  // woken already: the hand-over stands
    }
    cancelled_ = true;
    wake_from_queue();
    return true;
}

bool parked::cancel_is_due() const noexcept { return cancelled_ || has_pending_cancel(); }

parked* wait_queue::wake_one() noexcept {
    parked* first = waiting_.pop_front();
    if (first != nullptr) first->wake_from_queue();
    return first;
}

void wait_queue::wake_all() noexcept {
    while (wake_one() != nullptr) {
    }
}

}  // namespace mayhem
