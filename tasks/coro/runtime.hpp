// What the task layer keeps for each loop: the registry of tasks and futures, and the default
// executor. (Which task is running is known to the thread: running_step.)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "loop/event_loop.hpp"
#include "tasks/coro/completion.hpp"
#include "tasks/coro/task_base.hpp"

namespace mayhem {

class thread_pool_executor;

/// Hears of every step that a task has taken: what the testing kit's checkers count by, and where
/// they interfere. Without one, a step pays one predictable branch.
class step_observer {
  public:
    /// `task` has suspended (or is done). Not called from inside a coroutine: cancelling is fine.
    virtual void after_step(task_base& task) noexcept = 0;

  protected:
    ~step_observer() = default;
};

/// How a sleep passes, when a test decides (see tasks/testing/mock_sleep.hpp).
enum class sleep_fate : std::uint8_t { takes_its_time, in_a_tick, at_once };

namespace detail {

/// Calls `observer`, when it is not null, for every coroutine that is destroyed without having been
/// awaited, anywhere in the process. @returns the previous one.
using never_awaited_observer = void (*)(const std::source_location& definition) noexcept;
never_awaited_observer set_never_awaited_observer(never_awaited_observer observer) noexcept;

}  // namespace detail

class runtime final : public loop_extension {
  public:
    /// The loop's runtime; made on first use.
    static runtime& of(event_loop& loop) {
        if (loop.extension() != nullptr) [[likely]]
            return existing(loop);
        return make(loop);
    }
    /// REQUIRES: it has been used, as it has where there is a task.
    static runtime& existing(event_loop& loop) noexcept {
        return static_cast<runtime&>(*loop.extension());
    }

    explicit runtime(event_loop& loop) noexcept;
    ~runtime() override;

    void close() noexcept override;
    void note_running(stall_snapshot& into) const noexcept override;

    [[nodiscard]] event_loop& loop() const noexcept { return loop_; }

    /// It leaves by itself, when it dies.
    void add(completion& item) noexcept { completions_.push_back(item); }
    /// Every task that is not done, oldest first.
    [[nodiscard]] std::vector<detail::counted<task_base>> tasks();
    /// How many of them there are.
    [[nodiscard]] std::size_t pending_tasks() noexcept;

    [[nodiscard]] std::uint64_t next_task_id() noexcept { return ++last_task_id_; }

    /// The task of this loop that runs; null between its steps.
    [[nodiscard]] task_base* current() const noexcept {
        task_base* const running = detail::running_task();
        return running != nullptr && running->loop() == &loop_ ? running : nullptr;
    }

    /// Null takes it away. It must outlive the steps that it hears of.
    void set_step_observer(step_observer* observer) noexcept {
        step_observer_ = observer;
        loop_.observe_steps(observer != nullptr);
    }
    void step_ended(task_base& task) noexcept {
        if (step_observer_ != nullptr) step_observer_->after_step(task);
    }

    /// The executor of run_in_executor and to_thread; made on first use.
    [[nodiscard]] std::shared_ptr<thread_pool_executor> default_executor();
    void set_default_executor(std::shared_ptr<thread_pool_executor> executor) noexcept;
    [[nodiscard]] const std::shared_ptr<thread_pool_executor>& executor_or_null() const noexcept {
        return executor_;
    }

    /// Asked about every sleep that takes time; empty for none. For tests.
    using sleep_hook_type = std::function<sleep_fate(duration)>;
    void set_sleep_hook(sleep_hook_type hook) noexcept { sleep_hook_ = std::move(hook); }
    [[nodiscard]] const sleep_hook_type& sleep_hook() const noexcept { return sleep_hook_; }

    /// The frames of a task, one per line, the outermost first.
    [[nodiscard]] static std::string format_stack(const task_base& task);

  private:
    [[gnu::cold]] static runtime& make(event_loop& loop);

    event_loop& loop_;
    intrusive_list<completion, registry_tag> completions_;
    step_observer* step_observer_ = nullptr;
    std::uint64_t last_task_id_ = 0;
    std::shared_ptr<thread_pool_executor> executor_;
    sleep_hook_type sleep_hook_;
};

inline completion::completion(runtime& own, std::uint32_t references) noexcept
    : loop_(&own.loop()), references_(references) {
    own.add(*this);
}
inline completion::completion(event_loop& loop) : completion(runtime::of(loop)) {}

// ---- How a task begins: here, since it is most of what a short one costs -------------------

inline task_base::task_base(runtime& own, std::source_location definition,
                            std::coroutine_handle<> frame, detail::frame_handle outside,
                            context values, std::source_location where) noexcept
    // A running task needs no owner: one reference is the loop's, given up when the task ends.
    : completion(own, 2),
      top_(detail::as_frame(frame)),
      id_(own.next_task_id()),
      definition_(definition),
      context_(std::move(values)),
      created_(where) {
    top_.promise().parent = outside;
}

inline void task_base::start(runtime& own) noexcept {
    if (const task_base* creator = own.current()) [[likely]] {
        parent_id_ = creator->id();
        if (creator->is_protected()) [[unlikely]]
            protect();
    }
    remember_creation(created_);
    own.loop().push_ready(*this);
}

}  // namespace mayhem
