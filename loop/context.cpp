#include "loop/context.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

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

std::uintptr_t context::share(std::uintptr_t values) noexcept {
    map_of(values)->references.fetch_add(1, std::memory_order_relaxed);
    return values | 1;
}

void context::drop(std::uintptr_t values) noexcept {
    map* const last = map_of(values);
    // Acquire-release: the last owner must see everything that the others did before.
    if (last->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete last;
}

context::value_pointer context::find(std::uint64_t variable) const noexcept {
    if (values_ == 0) return nullptr;
    const auto& entries = values()->entries;
    const auto found = std::ranges::find(entries, variable, &entry::variable);
    return found != entries.end() ? found->value : nullptr;
}

void context::set(std::uint64_t variable, value_pointer value) {
    static std::atomic<std::uint64_t> last{0};
    auto changed = std::make_unique<map>();
    if (values_ != 0) changed->entries = values()->entries;
    std::erase_if(changed->entries, [&](const entry& item) { return item.variable == variable; });
    if (value) changed->entries.push_back({variable, std::move(value)});
    const std::uint64_t known = identity();
    changed->made_by = known != 0 ? known : last.fetch_add(1, std::memory_order_relaxed) + 1;
    // What is replaced dies last: its destructors may look at this context, and change it.
    context replaced;
    replaced.values_ = std::exchange(values_, reinterpret_cast<std::uintptr_t>(changed.release()));
}

std::uint64_t context::identity() const noexcept {
    return values_ == 0 || is_copy() ? 0 : values()->made_by;
}

}  // namespace mayhem
