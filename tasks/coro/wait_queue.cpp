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
    if (line_ == nullptr) return false;  // woken already: the hand-over stands
    line_->waiting_.remove(*this);
    cancelled_ = true;
    wake_from_queue();
    return true;
}

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
