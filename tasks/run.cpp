#include "tasks/run.hpp"

#include <csignal>
#include <fmt/format.h>

#include "loop/log.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/executor.hpp"
#include "tasks/process_threads.hpp"

namespace mayhem {
namespace {

using task_list = std::vector<detail::counted<task_base>>;

/// How long tasks may take to end once nothing protects them any more.
constexpr std::chrono::seconds last_grace{1};

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
    if (!tasks.empty()) co_await over.get_future();
    alarm.cancel();
}

/// Every pending task but the one that asks.
task_list other_tasks(event_loop& loop) {
    task_list found = runtime::of(loop).tasks();
    std::erase_if(found, [&](const auto& task) { return task.get() == current_task().state(); });
    return found;
}

/// Cancels in passes, because cleanup may start new tasks. Shielded tasks are left alone until
/// the drain deadline. A task that swallows its cancellation and stays is reported when the loop
/// closes.
coro<void> cancel_everything(event_loop& loop, duration drain) {
    const time_point deadline = deadline_after(loop.time(), drain);
    for (;;) {
        task_list unprotected = other_tasks(loop);
        for (const auto& task : unprotected) {
            if (task->is_protected()) task->protect_awaited();
        }
        std::erase_if(unprotected, [](const auto& task) { return task->is_protected(); });
        std::erase_if(unprotected, [](const auto& task) { return task->was_asked_to_end(); });
        if (unprotected.empty()) break;
        for (const auto& task : unprotected) {
            task->mark_asked_to_end();
            task->cancel();
        }
        co_await wait_for_all(loop, std::move(unprotected), deadline);
    }
    co_await wait_for_all(loop, other_tasks(loop), deadline);
    for (const auto& task : other_tasks(loop)) task->cancel();
    const time_point last = deadline_after(loop.time(), last_grace);
    co_await wait_for_all(loop, other_tasks(loop), last);
}

std::string list_stacks(event_loop& loop) {
    std::string text;
    for (const task_ref& task : all_tasks(loop)) text += "\n" + task.format_stack();
    return text;
}

}  // namespace

void run_forever(event_loop& loop) {
    if (loop.has_signal_handler(SIGINT)) return loop.run_forever();
    struct interrupt_watch {
        explicit interrupt_watch(event_loop& watched) : loop(watched) {
            loop.add_signal_handler(
                SIGINT,
                [this](int) {
                    fired = true;
                    loop.stop();
                },
                false);
        }
        interrupt_watch(const interrupt_watch&) = delete;
        interrupt_watch& operator=(const interrupt_watch&) = delete;
        ~interrupt_watch() { loop.remove_signal_handler(SIGINT); }
        event_loop& loop;
        bool fired = false;
    };
    const interrupt_watch watch(loop);
    loop.run_forever();
    if (watch.fired) throw interrupted();
}

/// A main task that outlives this run, since something else has ended it, stops no later one.
void detail::run_until_done(event_loop& loop, const task_ref& main) {
    const auto stop = std::make_shared<std::function<void()>>([&loop] { loop.stop(); });
    task_ref(main).add_done_callback([weak = std::weak_ptr(stop)] {
        if (const auto still_running = weak.lock()) (*still_running)();
    });
    run_forever(loop);
    if (!main.done()) throw loop_error("Event loop stopped before the task was done");
}

runner::runner(const run_options& options) : options_(options), loop_(options.loop) {
    loop_.set_idle_hook([this] { on_idle(); });
}

runner::~runner() {
    try {
        close();
    } catch (const std::exception& error) {
        log(log_level::error, "closing the event loop failed: {}", error.what());
    }
}

/// Before anything is started, so that the coroutine is destroyed unrun.
void runner::refuse_nesting() const {
    if (running_loop_or_null() == nullptr) return;
    throw loop_error("run() cannot be called from a running event loop; co_await the coroutine");
}

void runner::run_until_done(const task_ref& main) {
    const bool watches = options_.handle_interrupt;
    if (watches) {
        loop_.add_signal_handler(SIGINT, [this, main](int) { on_interrupt(main); }, false);
    }
    // A main task of an earlier run, which was stopped before it was done, ends in silence.
    main_ = main;
    task_ref(main).add_done_callback([this, main] {
        if (main_ == main) loop_.stop();
    });
    loop_.run_forever();
    main_ = {};
    if (watches) loop_.remove_signal_handler(SIGINT);
    if (deadlock_) throw deadlock(*deadlock_);
    if (stopped_by_interrupt_) throw interrupted();
    if (!main.done()) throw loop_error("Event loop stopped before the main task was done");
    if (interrupts_ > 0 && main.is_cancelled()) {
        main.state()->mark_retrieved();
        throw interrupted();
    }
}

/// The first Ctrl-C is a request, which lets the main task clean up; the second is an order.
void runner::on_interrupt(const task_ref& main) {
    if (++interrupts_ == 1) {
        task_ref(main).cancel();
        return;
    }
    stopped_by_interrupt_ = true;
    loop_.stop();
}

/// Nothing that the loop knows of can wake it. Other threads still might, if there are any; the
/// executor's own idle threads do not count.
void runner::on_idle() {
    const auto& executor = runtime::of(loop_).executor_or_null();
    const std::size_t harmless = 1 + (executor ? executor->threads() : 0);
    if (detail::count_threads() > harmless) return;
    deadlock_ = "Deadlock: nothing is ready and nothing can wake the loop; suspended tasks:" +
                list_stacks(loop_);
    loop_.stop();
}

void runner::close() {
    if (loop_.is_closed()) return;
    deadlock_.reset();
    if (runtime::of(loop_).pending_tasks() > 0) {
        auto shutdown = create_task(loop_, cancel_everything(loop_, options_.drain), "shutdown");
        shutdown.add_done_callback([this] { loop_.stop(); });
        // Others may stop the loop, too.
        while (!shutdown.done() && !deadlock_) loop_.run_forever();
    }
    if (const auto executor = runtime::of(loop_).executor_or_null()) {
        executor->shutdown(options_.executor_shutdown);
    }
    loop_.close();
}

}  // namespace mayhem
