#include "tasks/coro/runtime.hpp"

#include <utility>

#include "tasks/coro/task_base.hpp"
#include "tasks/executor.hpp"

namespace mayhem {

runtime::runtime(event_loop& loop) noexcept : loop_(loop) {}

runtime::~runtime() = default;

runtime& runtime::make(event_loop& loop) {
    loop.set_extension(std::make_unique<runtime>(loop));
    return static_cast<runtime&>(*loop.extension());
}

void runtime::close() noexcept {
    // Destroying a suspended frame runs destructors, which may drop other tasks and futures:
    // each round starts again from the front.
    while (completion* item = completions_.front()) {
        if (item->is_dying()) {  // what it held, or who heard of its end, closes the loop
            item->loop_closes();
            continue;
        }
        item->retain();
        item->loop_closes();
        item->release();
    }
    executor_.reset();
}

void runtime::note_running(stall_snapshot& into) const noexcept {
    if (const task_base* task = current()) task->note(into);
}

std::vector<detail::counted<task_base>> runtime::tasks() {
    std::vector<detail::counted<task_base>> found;
    for (completion* item = completions_.front(); item != nullptr;
         item = completions_.next(*item)) {
        task_base* task = item->as_task();
        if (task != nullptr && !task->done()) {
            found.push_back(detail::counted<task_base>::share(*task));
        }
    }
    return found;
}

std::size_t runtime::pending_tasks() noexcept {
    std::size_t count = 0;
    for (completion* item = completions_.front(); item != nullptr;
         item = completions_.next(*item)) {
        if (item->as_task() != nullptr && !item->done()) ++count;
    }
    return count;
}

std::shared_ptr<thread_pool_executor> runtime::default_executor() {
    if (!executor_) executor_ = std::make_shared<thread_pool_executor>();
    return executor_;
}

void runtime::set_default_executor(std::shared_ptr<thread_pool_executor> executor) noexcept {
    executor_ = std::move(executor);
}

std::string runtime::format_stack(const task_base& task) { return format_frames(task.stack()); }

}  // namespace mayhem
