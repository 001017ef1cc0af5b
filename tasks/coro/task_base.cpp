#include "tasks/coro/task_base.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>

#include "loop/log.hpp"
#include "loop/report.hpp"
#include "loop/slow_step.hpp"
#include "loop/stall_watchdog.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {

bool is_cancelled(const std::exception_ptr& error) noexcept {
    if (!error) return false;
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

// ---- Steps --------------------------------------------------------------------------------

void task_base::run() noexcept {
    if (phase_ > phase::ready) [[unlikely]]
        return end_unstarted();
    step();
}

void task_base::resume() noexcept {
    leave(phase::suspended, "resumed");
    step();
}

/// Continues the coroutine until it suspends again or ends.
[[gnu::always_inline]] inline void task_base::step() noexcept {
    event_loop& own = *loop();
    if (own.is_observed()) [[unlikely]]
        return step_observed();
    if (!run_until_suspended(own)) return left();
    end();
    left();
    release();
}

void task_base::step_observed() noexcept {
    runtime& own = runtime::existing(*loop());
    bool has_ended = false;
    {
        const detail::slow_step_watch watch(*loop(), *this);
        has_ended = run_until_suspended(*loop());
        if (has_ended) end();
        left();
    }
    own.step_ended(*this);
    if (has_ended) release();
}

/// @returns true when its body has ended.
[[gnu::always_inline]] inline bool task_base::run_until_suspended(event_loop& own) noexcept {
    const detail::frame_handle frame = top_;
    detail::running.begin(*this, frame);
    enter(phase::running);
    own.active_context() = &context_;
    frame.resume();
    top_ = detail::running.top.load(std::memory_order_relaxed);
    return top_ == nullptr;
}

/// The step is over.
inline void task_base::left() noexcept {
    loop()->active_context() = nullptr;
    detail::running.task.store(nullptr, std::memory_order_relaxed);
}

/// It was cancelled before its first step: the body never runs.
void task_base::end_unstarted() noexcept {
    if (phase_ != phase::unwanted) fail_misuse("run");
    {
        const detail::slow_step_watch watch(*loop(), *this);
        enter(phase::ended);
        set_cancelled();
        destroy_root();
        fail();
    }
    runtime::existing(*loop()).step_ended(*this);
    release();
}

/// Its frame is gone, locals and parameters with it, however long the handle is kept.
inline void task_base::end() noexcept {
    phase_ = phase::ended;
    if (has_thrown()) [[unlikely]]
        return fail();
    complete(state::finished);
}

void task_base::fail() noexcept {
    const bool by_cancel = mayhem::is_cancelled(thrown());
    complete(by_cancel ? state::cancelled : state::finished, !by_cancel);
}

void task_base::end_cancelled(std::coroutine_handle<> root) noexcept {
    if (!has_thrown()) set_cancelled();
    root.destroy();
}

void task_base::set_cancelled() noexcept { set_thrown(std::make_exception_ptr(cancelled{})); }

void task_base::drop_thrown() noexcept { static_cast<void>(take_thrown()); }

void task_base::fail_misuse(const char* what) const noexcept {
    static constexpr const char* names[] = {"is ready already", "is ready already",
                                            "is running",       "is suspended",
                                            "has ended",        "was cancelled"};
    std::string who;
    try {
        who = describe();
    } catch (...) {
        who = "a task";  // no memory for its name: the abort below says what happened all the same
    }
    std::fprintf(stderr,
                 "%s was %s while it %s: the end of a wait may make its task continue only once\n",
                 who.c_str(), what, names[static_cast<int>(phase_)]);
    std::fflush(stderr);
    std::abort();
}

void task_base::value() {
    MAYHEM_CHECK(done(), "asked for the result of a task that is not done");
    mark_retrieved();
    if (has_thrown()) std::rethrow_exception(thrown());
}

// ---- Cancellation -------------------------------------------------------------------------

bool task_base::cancel() {
    check_thread("task.cancel");
    if (done()) return false;
    // Where tasks wait for tasks, the request goes to the last of them, which ends first. Not by
    // recursion: a chain may be longer than the stack.
    const auto [last, in_circle] = find_chain_end();
    for (task_base* asked = this; asked != last; asked = asked->awaited_task()) {
        asked->count_cancel_request();
    }
    last->count_cancel_request();
    suspension* const wait = last->waiting_on();
    if (in_circle) {
        wait->break_circle();
    } else if (wait == nullptr || !wait->cancel()) {
        // Not suspended, or its wait is over: raised at the next chance.
        last->set_must_cancel(true);
    }
    return true;
}

/// Follows the waits from this task on. In a circle, which has no end, it stops somewhere: at every
/// power of two steps it remembers where it is, and it has gone round when it comes there again.
task_base::chain_end task_base::find_chain_end() noexcept {
    task_base* remembered = this;
    std::size_t steps = 0;
    std::size_t steps_max = 1;
    for (task_base* at = this;;) {
        task_base* next = at->awaited_task();
        if (next == nullptr) return {at, false};
        if (next == remembered) return {at, true};
        at = next;
        if (++steps == steps_max) {
            remembered = at;
            steps = 0;
            steps_max *= 2;
        }
    }
}

/// More than can be counted are as many as can be counted.
void task_base::count_cancel_request() noexcept {
    if (cancel_requests_ != std::numeric_limits<std::uint16_t>::max()) ++cancel_requests_;
}

int task_base::uncancel() noexcept {
    if (cancel_requests_ > 0) --cancel_requests_;
    if (cancel_requests_ == 0) set_must_cancel(false);
    return cancel_requests_;
}

void task_base::set_must_cancel(bool must) noexcept {
    must_cancel_ = must;
    if (phase_ == phase::created && must) phase_ = phase::unwanted;
    if (phase_ == phase::unwanted && !must) phase_ = phase::created;
}

void task_base::raise_cancelled() {
    must_cancel_ = false;
    throw cancelled{};
}

// ---- The end of the loop ------------------------------------------------------------------

void task_base::protect() noexcept {
    if (is_protected()) return;  // tasks may wait for each other in a circle
    completion::protect();
    protect_awaited();
}

void task_base::loop_closes() noexcept {
    if (!done()) {
        detail::report(*loop(), nullptr, [this] {
            return exception_context{.message = "Task was destroyed but it is pending!",
                                     .subject = describe() + runtime::format_stack(*this),
                                     .source_traceback = format_creation()};
        });
        destroy_frames();
        set_cancelled();
        complete(state::cancelled);
        completion::loop_closes();
        return release();
    }
    completion::loop_closes();
}

/// Destroys the suspended frames from the innermost outwards, one at a time: destroying the root
/// would do it too, but by recursion, and a chain may be deeper than the stack.
void task_base::destroy_frames() noexcept {
    enter(phase::ended);  // what it waits on dies first, and other frames' locals may ask for it
    while (const detail::frame_handle parent = detail::parent_of(top_)) {
        std::exchange(top_, parent).destroy();
    }
    destroy_root();
}

// ---- What people see ----------------------------------------------------------------------

std::string task_base::name() const {
    std::string given = given_name();
    return !given.empty() ? given : fmt::format("Task-{}", id_);
}

std::string task_base::coro_name() const {
    return clean_function_name(definition_.function_name());
}

void task_base::set_name(std::string_view name) {
    replace_details(std::make_unique<detail::completion_details>(std::string(name)));
}

void task_base::set_first_name(std::string_view name) {
    try {
        set_name(name);
    } catch (...) {
        complete(state::cancelled);
        destroy_root();
        dispose();  // nobody has seen it
        throw;
    }
}

void task_base::note(stall_snapshot& into) const noexcept {
    into.task_id = id_;
    if (const detail::completion_details* rare = details()) {
        const std::size_t length = std::min(rare->name.size(), stall_snapshot::name_max - 1);
        std::copy_n(rare->name.data(), length, into.task_name.data());
        into.task_name[length] = '\0';
    }
    for (auto frame = top(); frame; frame = detail::parent_of(frame)) {
        if (into.frame_count == stall_snapshot::frames_max) return;
        const std::source_location at = frame.promise().where();
        into.frames[into.frame_count++] = {at.function_name(), at.file_name(), at.line()};
    }
}

std::string task_base::describe_coroutine() const {
    const std::string function = coro_name();
    if (!top()) {
        return fmt::format("<{}() done, defined at {}:{}>", function, definition_.file_name(),
                           definition_.line());
    }
    detail::frame_handle root = top();
    while (const detail::frame_handle parent = detail::parent_of(root)) root = parent;
    const std::source_location at = root.promise().where();
    return fmt::format("<{}() running at {}:{}>", function, at.file_name(), at.line());
}

const char* task_base::describe_state() const noexcept {
    if (was_cancelled()) return "cancelled";
    if (done()) return "finished";
    return cancel_requests_ > 0 ? "cancelling" : "pending";
}

std::string task_base::describe_briefly() const {
    return fmt::format("<Task {} name='{}'>", describe_state(), name());
}

std::string task_base::describe() const {
    std::string text =
        fmt::format("<Task {} name='{}' coro={}", describe_state(), name(), describe_coroutine());
    if (const suspension* wait = waiting_on())
        text += fmt::format(" wait_for={}", wait->describe());
    if (loop() != nullptr && loop()->debug()) {
        text += fmt::format(" created at {}:{}", created_.file_name(), created_.line());
    }
    return text + ">";
}

std::vector<stack_frame> task_base::stack() const {
    std::vector<stack_frame> frames;
    for (auto frame = top(); frame; frame = detail::parent_of(frame)) {
        const std::source_location at = frame.promise().where();
        frames.push_back({clean_function_name(at.function_name()), at.file_name(), at.line()});
    }
    return {frames.rbegin(), frames.rend()};
}

namespace detail {

constinit thread_local running_step running [[gnu::tls_model("initial-exec")]]{};

void promise_base::note_thrown() noexcept {
    location = nullptr;
    awaiting_task().set_thrown(std::current_exception());
}

void promise_base::rethrow(std::coroutine_handle<> ended) {
    ended.destroy();  // what its arguments' destructors do finds the exception where it is
    std::rethrow_exception(awaiting_task().take_thrown());
}

namespace {

std::atomic<never_awaited_observer> observer_of_never_awaited{nullptr};

}  // namespace

never_awaited_observer set_never_awaited_observer(never_awaited_observer observer) noexcept {
    return observer_of_never_awaited.exchange(observer);
}

void report_never_awaited(const std::source_location& definition) noexcept {
    if (const auto observer = observer_of_never_awaited.load()) observer(definition);
    const event_loop* loop = running_loop_or_null();
    if (loop == nullptr || !loop->debug()) return;
    try {
        log(log_level::warning, "coroutine '{}' was never awaited, defined at {}:{}",
            clean_function_name(definition.function_name()), definition.file_name(),
            definition.line());
    } catch (...) {
        log_message(log_level::warning, "a coroutine was never awaited");
    }
}

}  // namespace detail
}  // namespace mayhem
