#include "loop/context.hpp"

#include <algorithm>
#include <atomic>

#include "loop/event_loop.hpp"

namespace mayhem {
namespace detail {

// Never inlined: the compiler must not keep the address of a thread-local across a suspension.
[[gnu::noinline]] context*& thread_context() noexcept {
    thread_local context own;
    thread_local context* active = &own;
    return active;
}

context*& active_context_slot() noexcept {
    event_loop* loop = running_loop_or_null();
    return loop != nullptr ? loop->active_context() : thread_context();
}

}  // namespace detail

context& context::active() noexcept {
    // Between two steps of a running loop (in its exception handler, say) nothing is active there.
    context* found = detail::active_context_slot();
    return found != nullptr ? *found : *detail::thread_context();
}

context::value_pointer context::find(std::uint64_t variable) const noexcept {
    if (!values_) return nullptr;
    const auto found = std::ranges::find(*values_, variable, &entry::variable);
    return found != values_->end() ? found->value : nullptr;
}

void context::set(std::uint64_t variable, value_pointer value) {
    auto changed = values_ ? std::make_shared<map>(*values_) : std::make_shared<map>();
    std::erase_if(*changed, [&](const entry& item) { return item.variable == variable; });
    if (value) changed->push_back({variable, std::move(value)});
    values_ = changed->empty() ? nullptr : std::move(changed);
}

std::uint64_t context::identity() noexcept {
    static std::atomic<std::uint64_t> last{0};
    if (identity_ == 0) identity_ = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return identity_;
}

}  // namespace mayhem
