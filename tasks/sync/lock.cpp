#include "tasks/sync/lock.hpp"

#include <stdexcept>

namespace mayhem {

bool lock::take() noexcept {
    if (locked_) return false;
    if (!line_.empty()) return false;
    locked_ = true;
    return true;
}

void lock::release() {
    line_.check_thread("lock.release");
    if (!locked_) throw std::logic_error("Lock is not acquired.");
    if (leaving_ > 0) {
        locked_ = false;
    } else {
        hand_over();
    }
}

void lock::hand_over() noexcept { locked_ = line_.wake_one() != nullptr; }

namespace detail {

bool lock_wait::await_ready() noexcept { return lock_.take(); }

bool lock_wait::cancel() noexcept {
    if (is_orphaned()) return parked::cancel();
    const bool first = lock_.line_.front() == this;
    if (!parked::cancel()) return false;
    was_first_ = first;
    if (first) ++lock_.leaving_;
    return true;
}

void lock_wait::await_resume() {
    if (task() == nullptr) return;  // never suspended: the lock was free
    if (!cancel_is_due()) return;
    if (!is_orphaned()) {
        if (was_first_) --lock_.leaving_;
        if (!was_cancelled()) {
            lock_.release();  // it was handed to us
        } else if (lock_.leaving_ == 0 && !lock_.locked_) {
            lock_.hand_over();
        }
    }
    throw_if_wait_cancelled();
}

}  // namespace detail
}  // namespace mayhem
