// A task with the value that its coroutine returns. (What it throws is in the task_base.)
#pragma once

#include <memory>
#include <optional>
#include <type_traits>

#include "tasks/coro/promise.hpp"
#include "tasks/coro/task_base.hpp"

namespace mayhem::detail {

template <typename T>
class coro_promise;

template <typename T>
class task_state final : public task_base {
    struct nothing {};
    using stored = std::conditional_t<
        std::is_void_v<T>, nothing,
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;
    using slot = std::conditional_t<std::is_void_v<T>, nothing, std::optional<stored>>;

  public:
    /// Takes the coroutine's frame over.
    task_state(runtime& own, std::source_location definition, std::coroutine_handle<> frame,
               context values, std::source_location where) noexcept
        : task_base(own, definition, frame, outside_.handle(), std::move(values), where) {}

    /// A reference to the value, or throws. @throws invalid_state while it is pending
    std::add_lvalue_reference_t<T> value() {
        retrieve();
        if (has_thrown()) std::rethrow_exception(thrown());
        if constexpr (std::is_reference_v<T>) {
            return **value_;
        } else if constexpr (!std::is_void_v<T>) {
            return *value_;
        }
    }
    /// The value, moved out.
    T take_value() {
        if constexpr (std::is_void_v<T>) {
            value();
        } else {
            return static_cast<T&&>(value());
        }
    }

  private:
    ~task_state() = default;
    // A task that has ended has mostly nothing left but its memory.
    void dispose() noexcept override {
        if constexpr (std::is_trivially_destructible_v<slot>) {
            if (this->has_nothing_to_destroy()) [[likely]] {
                this->leave_registry();
                return deallocate(this, sizeof(task_state));
            }
        }
        dispose_carefully();
    }
    [[gnu::noinline]] void dispose_carefully() noexcept {
        this->report_unretrieved("Task");
        delete this;
    }

    /// A root has ended, and control has come to its `outside`: takes what it returned, if it did,
    /// and destroys it, while the task is not done yet: the destructors of the body's parameters
    /// may still look at it.
    static void root_ended(void* /*outside*/) noexcept {
        auto& ending = static_cast<task_state&>(awaiting_task());
        const frame_handle root = running.top.load(std::memory_order_relaxed);
        MAYHEM_CHECK(root.done(), "a coroutine was resumed by hand, outside of its task's steps");
        if constexpr (!std::is_void_v<T>) ending.take_value_of(root);
        running.put_on_top(nullptr);
        // Asked to stop after its last await. A value is not given up for that; without one there
        // is nothing to lose, and the request is answered as asyncio does.
        if (std::is_void_v<T> && ending.has_pending_cancel()) [[unlikely]]
            return ending.end_cancelled(root);
        root.destroy();
    }
    static constexpr outside_frame outside_{&root_ended, nullptr, {}};

    void take_value_of(frame_handle root) noexcept {
        if (has_thrown()) return;
        auto& ended = static_cast<coro_promise<T>&>(root.promise());
        if constexpr (std::is_reference_v<T>) {
            value_ = std::addressof(ended.take());
        } else {
            value_.emplace(ended.take());
        }
    }

    [[no_unique_address]] slot value_;
};

}  // namespace mayhem::detail
