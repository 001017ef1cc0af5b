// Tasks that end together; asyncio.TaskGroup, in function form, since C++ has no asynchronous
// destructors.
//
//     auto total = co_await with_task_group([&](task_group& group) -> coro<int> {
//         auto left = group.create_task(count(tree.left));
//         auto right = group.create_task(count(tree.right));
//         co_return co_await left + co_await right;
//     });
//
// with_task_group returns when the body and every task of the group have ended. When one of them
// fails, the body and the other tasks are cancelled, and what failed is thrown as one
// exception_group. A task that is cancelled by itself is no failure.
//
// Name a lambda that captures by value before awaiting (g++ 12 destroys a capturing temporary
// inside a co_await expression twice); the one above captures references, which is fine.
#pragma once

#include <cstddef>
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tasks/coro/task.hpp"
#include "tasks/coro/wait_queue.hpp"
#include "tasks/exception_group.hpp"

namespace mayhem {

class task_group {
  public:
    /// Made by with_task_group.
    task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;
    ~task_group();

    /// Starts a task of the group. @throws std::logic_error when the group is shutting down after a
    /// failure, or has ended; the coroutine is then destroyed unrun.
    template <typename T>
    task<T> create_task(coro<T> body, std::string_view name = {},
                        std::source_location where = std::source_location::current()) {
        check_thread();
        if (const char* refusal = why_refused()) {
            body.close();
            throw std::logic_error(refusal);
        }
        task<T> made = mayhem::create_task(std::move(body), name, where);
        add(detail::counted<task_base>::share(*made.state()));
        return made;
    }

    /// Starts an operation, as in `group.create_task(queue.get())`.
    template <detail::operation_to_start Operation>
    auto create_task(Operation operation, std::string_view name = {},
                     std::source_location where = std::source_location::current()) {
        return create_task(detail::as_coro(std::move(operation)), name, where);
    }

    /// How many tasks of the group have not ended.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// For with_task_group: waits for the tasks, after the body has ended with `error` (or null).
    /// Throws what the group ends with.
    coro<void> join(std::exception_ptr error);

    /// Protects the tasks of the group from shutdown; see shield.
    void protect() noexcept;

  private:
    class member;

    void check_thread() const { parent_.state()->check_thread("task_group.create_task"); }
    [[nodiscard]] const char* why_refused() const noexcept;
    void add(detail::counted<task_base> child);
    void child_done(task_base& child);
    void abort() noexcept;
    [[nodiscard]] std::exception_ptr end_of_group(std::exception_ptr body,
                                                  std::exception_ptr cancelled_by,
                                                  bool cancelled_while_joining);

    task_ref parent_;
    intrusive_list<member, task_group> members_;
    std::size_t size_ = 0;
    wait_queue joining_;
    std::vector<std::exception_ptr> errors_;
    std::exception_ptr unlisted_;  // the latest error for which there was no memory in the list
    bool exiting_ = false;
    bool aborting_ = false;
    bool cancelled_parent_ = false;
};

/// Runs `body(group)`, a coroutine, in the current task, and then waits for every task that was
/// started in the group. The body object lives until then. Gives what the body returned.
/// @throws exception_group with what failed, the body's own exception last
/// @throws cancelled when the current task was cancelled (every child is, too), unless something
/// has failed as well: then the cancellation is raised at the next await
template <typename Body>
auto with_task_group(Body body) -> std::invoke_result_t<Body&, task_group&> {
    using value_type = typename std::invoke_result_t<Body&, task_group&>::value_type;
    task_group group;
    result<value_type> outcome;
    try {
        if constexpr (std::is_void_v<value_type>) {
            co_await body(group);
            outcome.set_value();
        } else {
            outcome.set_value(co_await body(group));
        }
    } catch (...) {
        outcome.set_exception(std::current_exception());
    }
    co_await group.join(outcome.exception());
    co_return std::move(outcome).value();
}

}  // namespace mayhem
