#include "tasks/wait_state.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace mayhem::detail {

void wait_state::release_waiter() noexcept {
    if (!done()) complete(state::finished);
}

bool wait_state::cancel() {
    if (done()) return false;
    error_ = std::make_exception_ptr(cancelled{});
    complete(state::cancelled);
    return true;
}

void wait_state::leg_done(std::size_t index) noexcept {
    ++finished_;
    const completion& target = legs_.target(index);
    const bool failed = !target.was_cancelled() && !target.has_succeeded();
    const bool enough = finished_ == legs_.unique() || until_ == return_when::first_completed ||
                        (until_ == return_when::first_exception && failed);
    if (enough) release_waiter();
}

std::string wait_state::describe() const {
    return fmt::format("wait ({} of {} done)", finished_, legs_.unique());
}

void wait_state::loop_closes() noexcept {
    legs_.detach();
    completion::loop_closes();
}

void wait_state::protect() noexcept {
    if (is_protected()) return;
    completion::protect();
    for (std::size_t index = 0; index < legs_.size(); ++index) legs_.target(index).protect();
}

namespace {

/// However the wait ends, what was waited for is left alone.
class wait_end {
  public:
    explicit wait_end(wait_state& state) noexcept : state_(state) {}
    wait_end(const wait_end&) = delete;
    wait_end& operator=(const wait_end&) = delete;
    ~wait_end() { state_.stop(); }

  private:
    wait_state& state_;
};

}  // namespace

coro<counted<wait_state>> wait_for_some(std::vector<counted<completion>> targets, return_when until,
                                        std::optional<duration> timeout) {
    if (targets.empty()) throw std::invalid_argument("The set of tasks to wait for is empty.");
    event_loop& loop = get_running_loop();
    const counted<wait_state> state(new wait_state(loop, until));
    const wait_end end(*state);
    state->start(targets);
    handle alarm;
    if (timeout) alarm = loop.call_later(*timeout, [own = state] { own->release_waiter(); });
    std::exception_ptr stopped;
    try {
        co_await completion_awaiter<wait_state, void>(state);
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    alarm.cancel();
    if (stopped) std::rethrow_exception(stopped);
    co_return state;
}

coro<void> cancel_and_wait(counted<completion> target) {
    target->cancel();
    std::vector<counted<completion>> targets{target};
    co_await wait_for_some(std::move(targets), return_when::all_completed, std::nullopt);
}

}  // namespace mayhem::detail
