#include "tasks/sync/semaphore.hpp"

#include <stdexcept>

namespace mayhem {

bool semaphore::take() noexcept {
    if (locked()) return false;
    --value_;
    return true;
}

void semaphore::release() {
    line_.check_thread("semaphore.release");
    if (value_ >= bound_) throw std::logic_error("BoundedSemaphore released too many times");
    ++value_;
    give_to_next();
}

/// @returns false when there is no permit, or nobody to give it to.
bool semaphore::give_to_next() noexcept {
    if (value_ == 0) return false;
    if (line_.wake_one() == nullptr) return false;
    --value_;
    ++given_;
    return true;
}

namespace detail {

bool semaphore_wait::await_ready() noexcept { return semaphore_.take(); }

void semaphore_wait::await_resume() {
    if (task() == nullptr) return;  // never suspended: there was a permit
    const bool leaves = cancel_is_due();
    if (!is_orphaned()) {
        const bool was_given_a_permit = !was_cancelled();
        if (was_given_a_permit) --semaphore_.given_;
        if (was_given_a_permit && leaves) ++semaphore_.value_;
        while (semaphore_.give_to_next()) {
        }
    }
    if (leaves) throw_if_wait_cancelled();
}

}  // namespace detail
}  // namespace mayhem
