#include "tasks/sync/barrier.hpp"

#include <exception>

#include "tasks/sync/condition.hpp"

namespace mayhem {

class barrier::core {
  public:
    explicit core(std::size_t parties) : parties_(parties) {}

    enum class state { filling, draining, resetting, broken };

    coro<std::size_t> enter();
    coro<void> empty_into(state when_nobody_is_inside, state otherwise);

    [[nodiscard]] std::size_t parties() const noexcept { return parties_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] bool is(state which) const noexcept { return state_ == which; }

  private:
    coro<std::size_t> pass();
    void leave();

    condition changed_;
    std::size_t parties_;
    std::size_t count_ = 0;  // tasks inside: waiting, or on their way out
    state state_ = state::filling;
};

coro<std::size_t> barrier::core::enter() {
    const auto held = co_await changed_.acquire_guard();
    const auto may_enter = [this] { return !is(state::draining) && !is(state::resetting); };
    co_await changed_.wait_for(may_enter);
    if (is(state::broken)) throw broken_barrier("Barrier aborted");
    co_return co_await pass();
}

/// REQUIRES: the lock is held.
coro<std::size_t> barrier::core::pass() {
    const std::size_t index = count_++;
    std::exception_ptr stopped;
    if (index + 1 == parties_) {
        state_ = state::draining;
        changed_.notify_all();
    } else {
        const auto is_over = [this] { return !is(state::filling); };
        try {
            co_await changed_.wait_for(is_over);
        } catch (const cancelled&) {
            stopped = std::current_exception();
        }
    }
    const bool sent_away = is(state::broken) || is(state::resetting);
    leave();
    if (stopped) std::rethrow_exception(stopped);
    if (sent_away) throw broken_barrier("Abort or reset of barrier");
    co_return index;
}

void barrier::core::leave() {
    if (--count_ > 0) return;
    if (is(state::resetting) || is(state::draining)) state_ = state::filling;
    changed_.notify_all();
}

coro<void> barrier::core::empty_into(state when_nobody_is_inside, state otherwise) {
    const auto held = co_await changed_.acquire_guard();
    state_ = count_ == 0 ? when_nobody_is_inside : otherwise;
    changed_.notify_all();
}

namespace {

/// Keeps the core alive while a task is in it.
template <typename Core, typename T>
coro<T> inside([[maybe_unused]] std::shared_ptr<Core> core, coro<T> visit) {
    co_return co_await std::move(visit);
}

}  // namespace

barrier::barrier(std::size_t parties) {
    if (parties == 0) throw std::invalid_argument("parties must be > 0");
    core_ = std::make_shared<core>(parties);
}

coro<std::size_t> barrier::wait() {
    binding_.check_thread("barrier.wait");
    return inside(core_, core_->enter());
}

coro<void> barrier::reset() {
    binding_.check_thread("barrier.reset");
    return inside(core_, core_->empty_into(core::state::filling, core::state::resetting));
}

coro<void> barrier::abort() {
    binding_.check_thread("barrier.abort");
    return inside(core_, core_->empty_into(core::state::broken, core::state::broken));
}

std::size_t barrier::parties() const noexcept { return core_->parties(); }
std::size_t barrier::n_waiting() const noexcept {
    return core_->is(core::state::filling) ? core_->count() : 0;
}
bool barrier::broken() const noexcept { return core_->is(core::state::broken); }

}  // namespace mayhem
