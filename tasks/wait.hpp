// Waiting for some of several tasks; asyncio.wait and asyncio.as_completed. Neither cancels what
// it waits for, ever.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tasks/coro/arguments.hpp"
#include "tasks/sync/semaphore.hpp"
#include "tasks/timeout_error.hpp"
#include "tasks/wait_state.hpp"

namespace mayhem {

/// What `wait` gives, in the order of the argument.
template <typename Handle>
class wait_result {
  public:
    wait_result() = default;

    std::vector<Handle> done;
    std::vector<Handle> pending;
};

namespace detail {

inline counted<completion> completion_of(const task_ref& handle) {
    return counted<completion>::share(*handle.state());
}
template <completion_handle Handle>
counted<completion> completion_of(const Handle& handle) {
    return counted<completion>::share(*handle.shared());
}

template <typename T>
concept waitable = requires(const T& handle) { completion_of(handle); };

}  // namespace detail

/// Waits until everything is done, or what `until` says, or until `timeout` has passed, which is no
/// error. `handles` are tasks, futures, or task_refs; a handle that comes twice counts once. Errors
/// stay in the tasks. Cancelling the waiting task leaves the others running.
/// @throws std::invalid_argument when `handles` is empty
template <detail::waitable Handle>
coro<wait_result<Handle>> wait(std::vector<Handle> handles,
                               return_when until = return_when::all_completed,
                               std::optional<duration> timeout = {}) {
    std::vector<detail::counted<completion>> targets;
    targets.reserve(handles.size());
    for (const Handle& handle : handles) targets.push_back(detail::completion_of(handle));
    const auto state = co_await detail::wait_for_some(std::move(targets), until, timeout);
    wait_result<Handle> sorted;
    for (std::size_t index = 0; index < handles.size(); ++index) {
        if (state->legs().comes_again(index)) continue;
        auto& where = handles[index].done() ? sorted.done : sorted.pending;
        where.push_back(std::move(handles[index]));
    }
    co_return sorted;
}

namespace detail {

/// Collects completions in the order in which they happen.
class arrivals final : public leg_owner, public recycled {
  public:
    explicit arrivals(event_loop& loop) noexcept : loop_(loop) {}

    void start(const std::vector<counted<completion>>& targets, std::optional<duration> timeout);
    /// Nobody is interested any more.
    void stop() noexcept;

    /// The index of the next one that is done; none when all were given out.
    /// @throws timeout_error when the time was up before it was done
    static coro<std::optional<std::size_t>> next(counted<arrivals> self);

    [[nodiscard]] std::size_t left() const noexcept { return left_; }

    void leg_done(std::size_t index) noexcept override;
    void retain_for_legs() noexcept override { retain(); }
    void release_for_legs() noexcept override { release(); }
    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) delete this;
    }

  private:
    ~arrivals() = default;
    void time_is_up();

    event_loop& loop_;
    leg_set legs_;
    std::vector<std::optional<std::size_t>> arrived_;  // in order; nothing: the time was up
    std::size_t given_ = 0;                            // so many of them were given out
    semaphore arrivals_{0};                            // a permit for each of the others
    handle alarm_;
    std::size_t left_ = 0;     // not given out, and nobody waits for it yet
    std::size_t pending_ = 0;  // not arrived
    std::uint32_t references_ = 1;
};

}  // namespace detail

/// What as_completed returns. Move-only; dropping it leaves the tasks running.
template <typename Handle>
class [[nodiscard]] completion_stream {
  public:
    completion_stream(detail::counted<detail::arrivals> arrivals, std::vector<Handle> handles)
        : arrivals_(std::move(arrivals)), handles_(std::move(handles)) {}
    completion_stream(completion_stream&&) noexcept = default;
    completion_stream& operator=(completion_stream&& other) noexcept {
        completion_stream taken(std::move(other));
        std::swap(arrivals_, taken.arrivals_);
        std::swap(handles_, taken.handles_);
        return *this;
    }
    ~completion_stream() {
        if (arrivals_) arrivals_->stop();
    }

    /// The next task that is done; nothing when all of them were given. A `next` that is cancelled
    /// has taken none, and can be called again. @throws timeout_error, for each task that was not
    /// done in time
    coro<std::optional<Handle>> next() {
        const auto index = co_await detail::arrivals::next(arrivals_);
        if (!index) co_return std::nullopt;
        co_return handles_[*index];
    }

    /// How many are still to come.
    [[nodiscard]] std::size_t left() const noexcept { return arrivals_->left(); }

  private:
    detail::counted<detail::arrivals> arrivals_;
    std::vector<Handle> handles_;
};

namespace detail {

/// A handle to what the item is, or becomes.
template <joinable Item>
auto to_handle(Item&& item) {
    if constexpr (completion_handle<Item>) {
        return std::forward<Item>(item);
    } else {
        return task<argument_value_t<Item>>(ensure_started(std::forward<Item>(item)));
    }
}

}  // namespace detail

/// Gives tasks in the order in which they are done; coroutines become tasks at once.
///
///     auto pages = as_completed(std::move(downloads), 10s);
///     for (;;) {
///         auto next = co_await pages.next();
///         if (!next) break;
///         show(co_await *next);
///     }
template <detail::joinable Item>
auto as_completed(std::vector<Item> items, std::optional<duration> timeout = {}) {
    using handle_type = std::remove_cvref_t<decltype(detail::to_handle(std::declval<Item>()))>;
    std::vector<handle_type> handles;
    std::vector<detail::counted<completion>> targets;
    handles.reserve(items.size());
    targets.reserve(items.size());
    for (Item& item : items) {
        handles.push_back(detail::to_handle(std::move(item)));
        targets.push_back(detail::completion_of(handles.back()));
    }
    detail::counted<detail::arrivals> arrivals(new detail::arrivals(get_running_loop()));
    arrivals->start(targets, timeout);
    return completion_stream<handle_type>(std::move(arrivals), std::move(handles));
}

}  // namespace mayhem
