#include "tasks/wait.hpp"

namespace mayhem::detail {

void arrivals::start(const std::vector<counted<completion>>& targets,
                     std::optional<duration> timeout) {
    arrived_.reserve(targets.size());  // from now on nothing needs memory
    legs_.attach(*this, targets);
    left_ = pending_ = legs_.unique();
    if (timeout && pending_ > 0) alarm_ = loop_.call_later(*timeout, [this] { time_is_up(); });
}

void arrivals::stop() noexcept {
    alarm_.cancel();
    legs_.detach();
}

void arrivals::leg_done(std::size_t index) noexcept {
    arrived_.push_back(index);
    arrivals_.release();
    if (--pending_ == 0) alarm_.cancel();
}

void arrivals::time_is_up() {
    legs_.detach();
    for (; pending_ > 0; --pending_) {
        arrived_.push_back(std::nullopt);
        arrivals_.release();
    }
}

coro<std::optional<std::size_t>> arrivals::next(counted<arrivals> self) {
    if (self->left_ == 0) co_return std::nullopt;
    --self->left_;  // before the wait: several tasks may ask, and each gets one
    try {
        co_await self->arrivals_.acquire();
    } catch (...) {
        ++self->left_;
        throw;
    }
    const std::optional<std::size_t> index = self->arrived_[self->given_++];
    if (!index) throw timeout_error();
    co_return index;
}

}  // namespace mayhem::detail
