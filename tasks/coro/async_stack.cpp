#include "tasks/coro/async_stack.hpp"

#include <fmt/format.h>
#include <new>

#include "loop/event_loop.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/coro/task_base.hpp"

namespace mayhem {

std::string format_frames(const std::vector<stack_frame>& frames) {
    std::string text;
    for (const stack_frame& frame : frames) {
        text +=
            fmt::format("\n  File \"{}\", line {}, in {}", frame.file, frame.line, frame.function);
    }
    return text;
}

namespace detail {

creation_stack::creation_stack(const task_base* creator,
                               const std::source_location& where) noexcept {
    if (creator == nullptr) {
        add(where.function_name(), where.file_name(), where.line());
        return;
    }
    // The innermost frame is not at its latest co_await but at the call; the others are.
    for (auto frame = creator->top(); frame; frame = parent_of(frame)) {
        const std::source_location awaits = frame.promise().where();
        const std::source_location& at = size_ == 0 ? where : awaits;
        add(awaits.function_name(), at.file_name(), at.line());
    }
    if (const creation_stack* earlier = creator->creation()) {
        for (std::size_t index = 0; index < earlier->size_; ++index) {
            const site& inherited = earlier->sites_[index];
            add(inherited.function, inherited.file, inherited.line);
        }
    }
}

void creation_stack::add(const char* function, const char* file, unsigned line) noexcept {
    if (size_ < depth_max) sites_[size_++] = {function, file, line};
}

std::vector<stack_frame> creation_stack::frames() const {
    std::vector<stack_frame> found;
    for (std::size_t index = size_; index-- > 0;) {
        const site& at = sites_[index];
        found.push_back({clean_function_name(at.function), at.file, at.line});
    }
    return found;
}

std::string creation_stack::format() const {
    return "Object created at (most recent call last):" + format_frames(frames());
}

std::unique_ptr<const creation_stack> remember_creation(event_loop& loop,
                                                        const std::source_location& where) {
    return std::make_unique<const creation_stack>(runtime::of(loop).current(), where);
}

}  // namespace detail
}  // namespace mayhem
