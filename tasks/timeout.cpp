#include "tasks/timeout.hpp"

#include <stdexcept>

namespace mayhem {

void timeout_scope::enter() {
    if (state_ != state::created) throw std::logic_error("timeout_scope has already been entered");
    task_ = current_task();
    if (!task_) throw std::logic_error("timeout_scope should be used inside a task");
    requests_before_ = task_.cancelling();
    state_ = state::entered;
    arm();
}

void timeout_scope::reschedule(std::optional<time_point> when) {
    if (task_) task_.state()->check_thread("timeout_scope.reschedule");
    if (state_ != state::entered) {
        throw std::logic_error("Cannot change the deadline of a timeout_scope that is not active");
    }
    when_ = when;
    alarm_.cancel();
    arm();
}

void timeout_scope::arm() {
    if (!when_) return;
    event_loop& loop = get_running_loop();
    const auto ring = [this] { on_timeout(); };
    // A deadline in the past still gives way to what is ready, but waits for no timer.
    alarm_ = *when_ <= loop.time() ? loop.call_soon(ring) : loop.call_at(*when_, ring);
}

void timeout_scope::on_timeout() noexcept {
    task_.cancel();
    state_ = state::expiring;
}

void timeout_scope::leave(const std::exception_ptr& error) {
    alarm_.cancel();
    const task_ref task = std::exchange(task_, {});
    if (state_ == state::entered) {
        state_ = state::exited;
        return;
    }
    state_ = state::expired;
    const bool only_ours = task_ref(task).uncancel() <= requests_before_;
    if (!only_ours) return;
    if (is_cancelled(error)) throw timeout_error();
}

}  // namespace mayhem
