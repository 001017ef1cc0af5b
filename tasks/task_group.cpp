#include "tasks/task_group.hpp"

#include <new>
#include <stdexcept>
#include <string>

namespace mayhem {
namespace {

class join_wait final : public parked {
  public:
    join_wait(task_group& group, wait_queue& line) noexcept : group_(group), line_(line) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        park(frame, line_);
    }
    void await_resume() const { throw_if_wait_cancelled(); }
    void protect_target() noexcept override { group_.protect(); }
    [[nodiscard]] std::string describe() const override { return "the tasks of a group"; }

  private:
    task_group& group_;
    wait_queue& line_;
};

}  // namespace

/// A task of the group, from its creation until its end was noticed. It owns itself.
class task_group::member final : public completion_waiter,
                                 public list_hook<task_group>,
                                 public detail::recycled {
  public:
    member(task_group& group, detail::counted<task_base> child) noexcept
        : group_(&group), child_(std::move(child)) {
        group_->members_.push_back(*this);
        ++group_->size_;
        child_->add_waiter(*this);
    }

    void run() noexcept override {
        if (task_group* group = group_) {
            leave();
            group->child_done(*child_);
        }
        delete this;
    }
    void discard() noexcept override {
        if (group_ != nullptr) leave();
        delete this;
    }

    /// The group is destroyed first (a loop that closes destroys frames in any order).
    void abandon() noexcept {
        leave();
        if (!is_waiting()) return;  // in the ready queue: run deletes
        waiter_list::remove(*this);
        delete this;
    }

    [[nodiscard]] task_base& child() const noexcept { return *child_; }

  private:
    ~member() = default;
    void leave() noexcept {
        group_->members_.remove(*this);
        --group_->size_;
        group_ = nullptr;
    }

    task_group* group_;
    detail::counted<task_base> child_;
};

task_group::task_group() : parent_(current_task()) {
    if (!parent_) throw std::logic_error("task_group should be used inside a task");
}

task_group::~task_group() {
    while (member* left = members_.front()) left->abandon();
}

const char* task_group::why_refused() const noexcept {
    if (exiting_ && size_ == 0) return "the task group is finished";
    if (aborting_) return "the task group is shutting down";
    return nullptr;
}

void task_group::add(detail::counted<task_base> child) {
    try {
        [[maybe_unused]] auto* owns_itself = new member(*this, child);
    } catch (const std::bad_alloc&) {
        child->cancel();  // before its first step: nobody would wait for it
        throw;
    }
}

void task_group::abort() noexcept {
    aborting_ = true;
    for (member* child = members_.front(); child != nullptr; child = members_.next(*child)) {
        child->child().cancel();
    }
}

void task_group::protect() noexcept {
    for (member* child = members_.front(); child != nullptr; child = members_.next(*child)) {
        child->child().protect();
    }
}

void task_group::child_done(task_base& child) {
    if (size_ == 0) joining_.wake_all();
    if (child.was_cancelled()) return;
    const std::exception_ptr error = child.exception();
    if (!error) return;
    child.mark_retrieved();
    try {
        errors_.push_back(error);
    } catch (const std::bad_alloc&) {
        unlisted_ = error;
    }
    if (aborting_) return;
    // The parent is cancelled so that the body stops; join takes the request back.
    abort();
    cancelled_parent_ = true;
    parent_.cancel();
}

coro<void> task_group::join(std::exception_ptr error) {
    exiting_ = true;
    std::exception_ptr cancelled_by = is_cancelled(error) ? error : nullptr;
    bool cancelled_while_joining = false;
    if (error && !aborting_) abort();
    while (size_ > 0) {
        // May be cancelled several times, and waits on all the same.
        join_wait all_ended(*this, joining_);
        try {
            co_await all_ended;
        } catch (const cancelled&) {
            cancelled_while_joining = true;
            if (!aborting_) {
                cancelled_by = std::current_exception();
                abort();
            }
        }
    }
    const std::exception_ptr end = end_of_group(error, cancelled_by, cancelled_while_joining);
    if (end) std::rethrow_exception(end);
}

/// What the group throws, if anything.
std::exception_ptr task_group::end_of_group(std::exception_ptr body,
                                            std::exception_ptr cancelled_by,
                                            bool cancelled_while_joining) {
    if (cancelled_parent_) {
        if (parent_.uncancel() == 0) {
            cancelled_by = nullptr;  // it was only us
        } else if (!cancelled_by && cancelled_while_joining) {
            cancelled_by = std::make_exception_ptr(cancelled{});
        }
    }
    if (unlisted_) errors_.push_back(unlisted_);
    if (cancelled_by && errors_.empty()) return cancelled_by;
    if (body && !is_cancelled(body)) errors_.push_back(body);
    if (errors_.empty()) return nullptr;
    if (parent_.cancelling() > 0) {
        // Somebody else wants the parent to stop. The errors come first; the request is renewed,
        // so that the next await raises it.
        parent_.uncancel();
        parent_.cancel();
    }
    return std::make_exception_ptr(
        exception_group("unhandled errors in a task group", std::move(errors_)));
}

}  // namespace mayhem
