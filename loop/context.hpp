// What a piece of work brought along from where it was scheduled: the values of context variables
// (tasks/context_var.hpp), which are per task as thread-local variables are per thread. This is
// contextvars.Context.
//
// Every task and every callback has a context of its own, a copy of the one in which it was
// created. A copy is one pointer, because the map behind it never changes: setting a variable makes
// a new map. A program without context variables has only null pointers here.
//
// It is in loop/, since callbacks carry it. What is in it, the loop does not know.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace mayhem {

class context {
  public:
    context() noexcept = default;
    /// Has the same values, and is another context.
    context(const context& other) noexcept
        : values_(other.values_ == 0 ? 0 : share(other.values_)) {}
    context(context&& other) noexcept : values_(std::exchange(other.values_, 0)) {}
    context& operator=(context other) noexcept {
        std::swap(values_, other.values_);
        return *this;
    }
    ~context() {
        if (values_ != 0) [[unlikely]]
            drop(values_);
    }

    /// The context of the running task or callback; elsewhere the thread's own.
    [[nodiscard, gnu::cold]] static context& active() noexcept;

    /// No variable was ever set here.
    [[nodiscard]] bool is_empty() const noexcept { return values_ == 0; }

    /// Calls `function` in this context: what it sets stays here. contextvars.Context.run. For
    /// plain functions; a coroutine runs in the context of its task.
    template <typename Function>
    decltype(auto) run(Function&& function);

    // ---- For context variables ------------------------------------------------------------

    using value_pointer = std::shared_ptr<const void>;

    /// Null when `variable` has no value here.
    [[nodiscard]] value_pointer find(std::uint64_t variable) const noexcept;
    /// A null value removes the variable.
    void set(std::uint64_t variable, value_pointer value);
    /// Differs between contexts in which something was set, copies included; for tokens, which
    /// belong to one. 0 when nothing was.
    [[nodiscard]] std::uint64_t identity() const noexcept;

  private:
    struct entry {
        std::uint64_t variable;
        value_pointer value;
    };
    struct map {
        std::vector<entry> entries;  // a program has a handful of variables
        std::uint64_t made_by;       // the identity of the context in which it was made
        std::atomic<std::uint32_t> references{1};
    };
    // (Of the values and not of the context, so that a context may live in a register.)
    [[nodiscard, gnu::cold]] static std::uintptr_t share(std::uintptr_t values) noexcept;
    [[gnu::cold]] static void drop(std::uintptr_t values) noexcept;
    [[nodiscard]] static map* map_of(std::uintptr_t values) noexcept {
        return reinterpret_cast<map*>(values & ~std::uintptr_t{1});
    }
    [[nodiscard]] map* values() const noexcept { return map_of(values_); }
    [[nodiscard]] bool is_copy() const noexcept { return (values_ & 1) != 0; }

    // A pointer to a map, which contexts share; 0: no variable was ever set. The lowest bit says
    // that the map came along from another context. (Tasks and callbacks have one of these each.)
    std::uintptr_t values_ = 0;
};

/// A copy of the active context; contextvars.copy_context.
[[nodiscard]] inline context copy_context() noexcept { return context::active(); }

namespace detail {

/// Which context is active outside of any loop's tasks and callbacks: on a worker thread, that of
/// the job.
[[nodiscard]] context*& thread_context() noexcept;

/// Where the active context of this thread is named: by its running loop, else by the thread.
[[nodiscard]] context*& active_context_slot() noexcept;

/// Makes `entered` the active context for as long as it lives.
class context_switch {
  public:
    context_switch(context*& slot, context& entered) noexcept
        : slot_(slot), left_(std::exchange(slot, &entered)) {}
    context_switch(const context_switch&) = delete;
    context_switch& operator=(const context_switch&) = delete;
    ~context_switch() { slot_ = left_; }

  private:
    context*& slot_;
    context* left_;
};

}  // namespace detail

// ---- Implementation details follow --------------------------------------------------------

template <typename Function>
decltype(auto) context::run(Function&& function) {
    const detail::context_switch inside(detail::active_context_slot(), *this);
    return std::invoke(std::forward<Function>(function));
}

}  // namespace mayhem
