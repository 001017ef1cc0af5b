// Coroutines submitted from other threads: `run_coroutine_threadsafe` and the future it returns.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "tasks/coro/task.hpp"
#include "tasks/timeout_error.hpp"

namespace mayhem {

namespace detail {

/// Runs `function` on the loop behind `remote`; drops it when that loop is closed.
void post_or_drop(const std::shared_ptr<inbox>& remote, std::move_only_function<void()> function);

/// What the two threads share. The outcome is written once, on the loop's thread, under the lock.
template <typename T>
struct concurrent_state {
    std::mutex mutex;
    std::condition_variable changed;
    result<T> outcome;
    bool done = false;
    task<T> running;  // the loop's thread only; empty before and after

    void finish(result<T> with) {
        const std::lock_guard lock(mutex);
        if (done) return;
        outcome = std::move(with);
        done = true;
        changed.notify_all();
    }
};

}  // namespace detail

/// A coroutine's result, for the thread that submitted it; concurrent.futures.Future. Copies refer
/// to the same result. Dropping it neither cancels nor waits.
template <typename T>
class concurrent_future {
  public:
    concurrent_future(std::shared_ptr<detail::concurrent_state<T>> state, event_loop& loop)
        : state_(std::move(state)), loop_(&loop), remote_(loop.remote()) {}

    /// Blocks until the result is there, and gives it or throws what the coroutine threw
    /// (`cancelled` if it was cancelled, loop_closed if its loop closed first).
    /// @throws timeout_error when `timeout` passes first; the coroutine goes on.
    /// @throws loop_error at once on the loop's own thread, where it would wait for itself.
    T get(std::optional<std::chrono::nanoseconds> timeout = {}) {
        if (running_loop_or_null() == loop_) {
            throw loop_error(
                "concurrent_future::get on the loop's own thread would deadlock; "
                "co_await the coroutine instead");
        }
        std::unique_lock lock(state_->mutex);
        const auto is_done = [this] { return state_->done; };
        if (!timeout) {
            state_->changed.wait(lock, is_done);
        } else if (!state_->changed.wait_for(lock, *timeout, is_done)) {
            throw timeout_error();
        }
        return std::move(state_->outcome).value();
    }

    [[nodiscard]] bool done() const {
        const std::lock_guard lock(state_->mutex);
        return state_->done;
    }

    /// Asks the loop to cancel the task; returns at once. Does nothing when it is done, or when
    /// the loop has closed.
    void cancel() {
        detail::post_or_drop(remote_, [state = state_] {
            // Posts arrive in order, so the task exists by now, unless it is done already.
            if (state->running) state->running.cancel();
        });
    }

  private:
    std::shared_ptr<detail::concurrent_state<T>> state_;
    event_loop* loop_;  // compared, never followed: it may be gone
    std::shared_ptr<inbox> remote_;
};

namespace detail {

/// Settles the state when its task is done, or, if the loop closes first, when the callback that
/// holds it is dropped.
template <typename T>
class settler {
  public:
    explicit settler(std::shared_ptr<concurrent_state<T>> state) noexcept
        : state_(std::move(state)) {}
    settler(settler&&) noexcept = default;
    settler& operator=(settler&&) = delete;
    ~settler() {
        if (!state_) return;
        state_->running = {};
        state_->finish(result<T>::failure(std::make_exception_ptr(loop_closed())));
    }

    void operator()() {
        task<T> ended = std::exchange(state_->running, {});
        result<T> outcome;
        try {
            if constexpr (std::is_void_v<T>) {
                ended.state()->take_value();
                outcome.set_value();
            } else {
                outcome.set_value(ended.state()->take_value());
            }
        } catch (...) {
            outcome.set_exception(std::current_exception());
        }
        state_->finish(std::move(outcome));
    }

  private:
    std::shared_ptr<concurrent_state<T>> state_;
};

/// A coroutine on its way to its loop.
template <typename T>
class submission final : public runnable {
  public:
    submission(event_loop& loop, coro<T> body, std::shared_ptr<concurrent_state<T>> state)
        : loop_(loop),
          context_(context::active()),
          body_(std::move(body)),
          state_(std::move(state)) {}
    ~submission() { body_.close(); }

    void run() noexcept override {
        const context_switch inside(loop_.active_context(), context_);
        try {
            state_->running = create_task(loop_, std::move(body_), "threadsafe");
            state_->running.add_done_callback(settler<T>(state_));
        } catch (...) {  // no memory: the waiting thread has to hear of it
            if (state_->running) state_->running.cancel();
            state_->running = {};
            state_->finish(result<T>::failure(std::current_exception()));
        }
        delete this;
    }
    void discard() noexcept override {
        state_->finish(result<T>::failure(std::make_exception_ptr(loop_closed())));
        delete this;
    }

  private:
    event_loop& loop_;
    context context_;  // of the thread that submits
    coro<T> body_;
    std::shared_ptr<concurrent_state<T>> state_;
};

}  // namespace detail

/// Submits a coroutine to `loop` from another thread; asyncio.run_coroutine_threadsafe. The
/// coroutine runs, and its frame is destroyed, on the loop's thread. It starts in a copy of the
/// submitting thread's context.
/// @throws loop_closed, and loop_error in a forked child; the coroutine is then destroyed unrun.
template <typename T>
concurrent_future<T> run_coroutine_threadsafe(coro<T> body, event_loop& loop) {
    auto state = std::make_shared<detail::concurrent_state<T>>();
    auto node = std::make_unique<detail::submission<T>>(loop, std::move(body), state);
    loop.refuse_after_fork();  // now the coroutine is destroyed in silence
    const auto remote = loop.remote();
    if (!remote->post(*node)) throw loop_closed();
    [[maybe_unused]] auto* taken_by_loop = node.release();
    return concurrent_future<T>(std::move(state), loop);
}

}  // namespace mayhem
