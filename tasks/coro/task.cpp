#include "tasks/coro/task.hpp"

#include <fmt/format.h>

#include "tasks/coro/runtime.hpp"

namespace mayhem {

std::string task_ref::format_stack() const {
    base_->check_thread("task.format_stack");
    if (base_->done()) return fmt::format("No stack for {}\n", describe());
    std::string text = fmt::format("Stack for {} (most recent call last):{}\n", describe(),
                                   runtime::format_stack(*base_));
    if (base_->creation() != nullptr) text += base_->format_creation() + "\n";
    return text;
}

void task_ref::print_stack(std::FILE* out) const { fmt::print(out, "{}", format_stack()); }

task_ref current_task() noexcept {
    event_loop* loop = running_loop_or_null();
    if (loop == nullptr) return {};
    task_base* current = runtime::of(*loop).current();
    if (current == nullptr) return {};
    return task_ref(detail::counted<task_base>::share(*current));
}

std::vector<task_ref> all_tasks(event_loop& loop) {
    loop.check_thread("all_tasks");
    std::vector<task_ref> found;
    for (auto& item : runtime::of(loop).tasks()) found.emplace_back(std::move(item));
    return found;
}

}  // namespace mayhem
