#include "tasks/sync/semaphore.hpp"

#include <stdexcept>

namespace mayhem {

bool semaphore::acquire_nowait() noexcept {
    if (value_ == 0) return false;
    --value_;
    return true;
}

void semaphore::release() {
    if (value_ >= bound_) throw std::logic_error("BoundedSemaphore released too many times");
    if (line_.wake_one() == nullptr) ++value_;
}

namespace detail {

bool semaphore_wait::await_ready() noexcept { return semaphore_.acquire_nowait(); }

void semaphore_wait::await_resume() {
    if (task() == nullptr) return;  // never suspended: there was a permit
    if (!cancel_is_due()) return;
    const bool was_given_a_permit = !was_cancelled();
    if (was_given_a_permit && !is_orphaned()) semaphore_.release();
    throw_if_wait_cancelled();
}

}  // namespace detail
}  // namespace mayhem
