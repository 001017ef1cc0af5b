#include "tasks/shield.hpp"

#include "tasks/coro/result.hpp"

namespace mayhem::detail {

shield_state_base::shield_state_base(counted<completion> inner)
    : completion(get_running_loop()), inner_(std::move(inner)) {}

void shield_state_base::protect() noexcept {
    completion::protect();
    inner_->protect();
}

void shield_state_base::start() {
    protect();
    if (inner_->done()) {
        finish();
    } else {
        leg_.attach(*this, *inner_, 0);
    }
}

bool shield_state_base::cancel() {
    check_thread("shield.cancel");
    if (done()) return false;
    error_ = std::make_exception_ptr(cancelled{});
    leg_.detach();
    complete(state::cancelled);
    return true;
}

void shield_state_base::leg_done(std::size_t) noexcept { finish(); }

void shield_state_base::finish() noexcept {
    error_ = inner_->exception();
    inner_->mark_retrieved();  // from now on it is ours to report
    const bool by_cancel = inner_->was_cancelled();
    complete(by_cancel ? state::cancelled : state::finished, !by_cancel && error_ != nullptr);
}

void shield_state_base::rethrow_error() {
    mark_retrieved();
    if (error_) std::rethrow_exception(error_);
}

std::string shield_state_base::describe() const {
    return "shield of " + inner_->describe_briefly();
}

void shield_state_base::loop_closes() noexcept {
    leg_.detach();
    completion::loop_closes();
}

}  // namespace mayhem::detail
