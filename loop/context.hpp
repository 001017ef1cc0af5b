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
    context(const context& other) noexcept : values_(other.values_) {}
    context& operator=(const context& other) noexcept {
        values_ = other.values_;
        identity_ = 0;
        return *this;
    }
    ~context() = default;

    /// The context of the running task or callback; elsewhere the thread's own.
    [[nodiscard]] static context& active() noexcept;

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
    /// Differs between contexts, copies included; for tokens, which belong to one. Never 0.
    [[nodiscard]] std::uint64_t identity() noexcept;

  private:
    struct entry {
        std::uint64_t variable;
        value_pointer value;
    };
    using map = std::vector<entry>;  // a program has a handful of variables

    std::shared_ptr<const map> values_;  // null: no variable has a value
    std::uint64_t identity_ = 0;         // 0: nobody asked yet
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
