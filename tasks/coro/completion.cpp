#include "tasks/coro/completion.hpp"

#include <fmt/format.h>

#include "loop/report.hpp"
#include "loop/slow_step.hpp"
#include "tasks/coro/async_stack.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/coro/task_base.hpp"

namespace mayhem {
namespace {

/// One add_done_callback: a waiter that owns itself.
class callback_waiter final : public completion_waiter {
  public:
    callback_waiter(event_loop& loop, std::move_only_function<void()> function,
                    const std::source_location& where)
        : loop_(loop), context_(context::active()), function_(std::move(function)), where_(where) {}

    void run() noexcept override {
        call();
        delete this;
    }
    void discard() noexcept override { delete this; }

    [[nodiscard]] std::string describe() const {
        return fmt::format("<Handle done callback created at {}:{}>", where_.file_name(),
                           where_.line());
    }
    [[nodiscard]] const std::source_location& scheduled_at() const noexcept { return where_; }

  private:
    void call() noexcept {
        const detail::slow_step_watch watch(loop_, *this);
        const detail::context_switch inside(loop_.active_context(), context_);
        try {
            function_();
        } catch (...) {
            detail::report(loop_, std::current_exception(), [this] {
                return exception_context{.message = "Exception in a done callback",
                                         .subject = describe()};
            });
        }
    }

    event_loop& loop_;
    context context_;
    std::move_only_function<void()> function_;
    std::source_location where_;
};

}  // namespace

void completion::remember_creation_slowly(const std::source_location& where) noexcept {
    try {
        auto made = std::make_unique<detail::completion_details>(given_name());
        made->creation = detail::remember_creation(*loop_, where);
        replace_details(std::move(made));
    } catch (const std::bad_alloc&) {
        // Without memory for it nothing is remembered.
    }
}

void completion::replace_details(std::unique_ptr<detail::completion_details> made) noexcept {
    detail::completion_details& own = *made;
    const std::unique_ptr<detail::completion_details> replaced(
        details_.exchange(made.release(), std::memory_order_release));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (replaced && !own.creation) own.creation = std::move(replaced->creation);
}

void completion::drop(const detail::completion_details* rare) noexcept { delete rare; }

std::string completion::given_name() const {
    const detail::completion_details* const rare = details();
    return rare != nullptr ? rare->name : std::string();
}

std::string completion::format_creation() const {
    return creation() != nullptr ? creation()->format() : std::string();
}

void completion::run() noexcept { MAYHEM_CHECK(false, "something that never runs was made ready"); }

void completion::loop_closes() noexcept {
    if (loop_ == nullptr) return;
    list_hook<registry_tag>::unlink();
    loop_ = nullptr;
}

/// Who waits for what is done goes on with the next tick.
void completion::send_off(completion_waiter& waiter) noexcept {
    MAYHEM_CHECK(loop_ != nullptr, "waited for a completion after its loop was closed");
    loop_->make_ready(waiter);
}

void completion::add_done_callback(std::move_only_function<void()> function,
                                   std::source_location where) {
    if (loop_ == nullptr) throw loop_closed();
    check_thread("add_done_callback");
    add_waiter(*new callback_waiter(*loop_, std::move(function), where));
}

void completion::throw_not_done() const { throw invalid_state("Result is not set: " + describe()); }

void completion::wake_waiters() noexcept {
    if (loop_ == nullptr || loop_->is_closed()) [[unlikely]]
        return discard_waiters();
    if (completion_waiter* const only = waiters_.take_only()) return loop_->push_ready(*only);
    waiters_.take_all([&loop = *loop_](completion_waiter& waiter) { loop.push_ready(waiter); });
}

void completion::discard_waiters() noexcept {
    waiters_.take_all([](completion_waiter& waiter) { waiter.discard(); });
}

void completion::report_unretrieved_now(const char* what) noexcept {
    if (loop_ == nullptr) return;
    unretrieved_ = false;
    detail::report(*loop_, exception(), [&] {
        return exception_context{.message = std::string(what) + " exception was never retrieved",
                                 .subject = describe(),
                                 .source_traceback = format_creation()};
    });
}

namespace detail {

void completion_wait::refuse(const task_base& awaiting) const {
    if (&awaiting == target_->as_task()) {
        throw loop_error("Task cannot await on itself: " + target_->describe());
    }
    throw loop_error(fmt::format("{} got {} attached to a different loop", awaiting.describe(),
                                 target_->describe_briefly()));
}

}  // namespace detail
}  // namespace mayhem
