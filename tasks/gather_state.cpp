#include "tasks/gather_state.hpp"

#include <fmt/format.h>

#include "tasks/coro/result.hpp"

namespace mayhem::detail {

void gather_state::expect(std::size_t children) {
    children_.expect(children);
    if (children == 0) complete(state::finished);
}

void gather_state::expect(std::span<leg_set::entry> legs) {
    children_.expect(legs);
    if (legs.empty()) complete(state::finished);
}

bool gather_state::cancel() {
    check_thread("gather.cancel");
    if (done()) return false;
    if (asking_children_) {  // a child waits for us in turn: the circle has to be broken somewhere
        fail_cancelled();
        return true;
    }
    asking_children_ = true;
    bool any = false;
    for (std::size_t index = 0; index < children_.size(); ++index) {
        if (children_.target(index).cancel()) any = true;
    }
    asking_children_ = false;
    // Even when the children swallow it, or their errors are collected, it was us who were asked.
    if (any) cancel_requested_ = true;
    return any;
}

void gather_state::leg_done(std::size_t index) noexcept {
    completion& child = children_.target(index);
    ++finished_;
    if (done()) {
        // We have failed already; this child's error is one that nobody can see any more.
        child.mark_retrieved();
        return;
    }
    if (!child.has_succeeded()) {
        // Collected errors are seen too, also when the gather itself ends by being cancelled.
        child.mark_retrieved();
        if (errors_ == gather_errors::raise) return fail_as(child);
    }
    if (finished_ < children_.unique()) return;
    if (cancel_requested_) [[unlikely]]
        return fail_cancelled();
    complete(state::finished);
}

void gather_state::fail_as(const completion& child) noexcept { fail(child.exception()); }

void gather_state::fail_cancelled() noexcept { fail(std::make_exception_ptr(cancelled{})); }

void gather_state::fail(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    const bool by_cancel = is_cancelled(error_);
    complete(by_cancel ? state::cancelled : state::finished, !by_cancel);
}

std::string gather_state::describe() const {
    const char* how = was_cancelled() ? "cancelled" : done() ? "finished" : "pending";
    return fmt::format("<_GatheringFuture {}, {} of {} done>", how, finished_, children_.unique());
}

void gather_state::loop_closes() noexcept {
    children_.detach();
    completion::loop_closes();
}

void gather_state::protect() noexcept {
    if (is_protected()) return;
    completion::protect();
    for (std::size_t index = 0; index < children_.size(); ++index) {
        children_.target(index).protect();
    }
}

}  // namespace mayhem::detail
