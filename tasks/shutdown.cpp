#include "tasks/shutdown.hpp"

#include <fmt/format.h>
#include <memory>
#include <new>
#include <vector>

#include "tasks/coro/future.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/coro/task.hpp"

namespace mayhem::detail {
namespace {

using task_list = std::vector<counted<task_base>>;

/// How long tasks may take to end once nothing protects them any more.
constexpr std::chrono::seconds last_grace{1};

/// Honest cleanup needs a pass for each generation of tasks, which are few.
constexpr int passes_max = 1000;

/// Waits until all of `tasks` are done or the deadline has passed.
coro<void> wait_for_all(event_loop& loop, task_list tasks, time_point deadline) {
    promise<void> over(loop);
    auto finish = [over]() mutable {
        if (!over.done()) over.set_value();
    };
    auto left = std::make_shared<std::size_t>(tasks.size());
    for (const auto& task : tasks) {
        task->add_done_callback([left, finish]() mutable {
            if (--*left == 0) finish();
        });
    }
    handle alarm = loop.call_at(deadline, finish);
    co_await over.get_future();
    alarm.cancel();
}

class shutdown {
  public:
    explicit shutdown(event_loop& loop) : loop_(loop) {}

    coro<void> run(time_point drained) {
        co_await end_tasks(drained, true);
        for (const auto& task : others()) task->mark_asked_to_end(false);
        co_await end_tasks(deadline_after(loop_.time(), last_grace), false);
    }

  private:
    /// Every pending task but the one that asks.
    task_list others() {
        task_list found = runtime::of(loop_).tasks();
        const task_ref self = current_task();
        std::erase_if(found, [&](const auto& task) { return task.get() == self.state(); });
        return found;
    }

    /// Returns when nobody is left, or at the deadline.
    coro<void> end_tasks(time_point deadline, bool spare_protected) {
        for (;;) {
            task_list left = others();
            if (left.empty()) co_return;
            if (++passes_ > passes_max) co_return report_endless(*left.back());
            task_list asked = ask_to_end(left, spare_protected);
            if (loop_.time() >= deadline) co_return;
            task_list& awaited = asked.empty() ? left : asked;
            co_await wait_for_all(loop_, std::move(awaited), deadline);
        }
    }

    /// @returns those that had not been asked before.
    static task_list ask_to_end(const task_list& tasks, bool spare_protected) {
        task_list asked;
        if (spare_protected) {
            for (const auto& task : tasks) {
                if (task->is_protected()) task->protect_awaited();
            }
        }
        for (const auto& task : tasks) {
            if (task->was_asked_to_end() || (spare_protected && task->is_protected())) continue;
            asked.push_back(task);
        }
        for (const auto& task : asked) {
            task->mark_asked_to_end(true);
            task->cancel();
        }
        return asked;
    }

    void report_endless(const task_base& latest) {
        if (std::exchange(reported_, true)) return;
        loop_.call_exception_handler(
            {.message = fmt::format("Shutdown gave up after {} passes: tasks that are cancelled "
                                    "keep starting others; the latest is",
                                    passes_max),
             .exception = nullptr,
             .subject = latest.describe() + runtime::format_stack(latest)});
    }

    event_loop& loop_;
    int passes_ = 0;
    bool reported_ = false;
};

}  // namespace

coro<bool> end_all_tasks(event_loop& loop, time_point drained) {
    shutdown passes(loop);
    try {
        co_await passes.run(drained);
    } catch (const std::bad_alloc&) {
        co_return false;
    }
    co_return true;
}

}  // namespace mayhem::detail
