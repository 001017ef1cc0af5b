#include "tasks/run.hpp"

#include <csignal>
#include <fmt/format.h>
#include <new>
#include <thread>
#include <utility>

#include "loop/log.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/executor.hpp"
#include "tasks/io/external_work.hpp"
#include "tasks/process_threads.hpp"
#include "tasks/shutdown.hpp"

namespace mayhem {
namespace {

/// How often a shutdown is begun again that has no memory for its own few lists.
constexpr int end_attempts_max = 1000;

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
    loop_.set_idle_hook([this] { return is_alone(); }, [this] { on_deadlock(); });
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

/// True when no other thread could wake the loop; the executor's own idle ones do not count.
bool runner::is_alone() {
    const auto& executor = runtime::of(loop_).executor_or_null();
    return detail::count_threads() <= 1 + (executor ? executor->threads() : 0);
}

void runner::on_deadlock() {
    deadlock_ = "Deadlock: nothing is ready and nothing can wake the loop; suspended tasks:" +
                list_stacks(loop_);
    loop_.stop();
}

void runner::close() {
    if (loop_.is_closed()) return;
    deadlock_.reset();
    end_tasks();
    end_executor();
    loop_.close();
}

void runner::end_tasks() {
    const time_point drained = deadline_after(loop_.time(), options_.drain);
    for (int attempt = 0; attempt < end_attempts_max; ++attempt) {
        if (runtime::of(loop_).pending_tasks() == 0) return;
        task<bool> ending;
        try {
            ending = create_task(loop_, detail::end_all_tasks(loop_, drained), "shutdown");
            ending.add_done_callback([this] { loop_.stop(); });
            // Others may stop the loop, too.
            while (!ending.done() && !deadlock_) loop_.run_forever();
            if (!ending.done() || ending.is_cancelled() || ending.value()) return;
        } catch (const std::bad_alloc&) {
            if (ending) ending.cancel();
        }
        loop_.stop();
        loop_.run_forever();  // for one tick: whoever was asked may end, and give memory back
    }
}

/// A job may need the loop in order to end: it submits a coroutine and waits for it. So the loop
/// runs while somebody else waits for the jobs.
void runner::end_executor() {
    const auto executor = runtime::of(loop_).executor_or_null();
    if (!executor) return;
    // On a simulated kernel jobs have no thread but this one, and cannot wait for the loop.
    if (!executor->is_busy() || loop_.simulation() != nullptr) {
        executor->shutdown(options_.executor_shutdown);
        return;
    }
    {
        bool over = false;
        const detail::external_work outside(loop_);
        const std::jthread waiting([&] {
            executor->shutdown(options_.executor_shutdown);
            loop_.call_soon_threadsafe([&] {
                over = true;
                loop_.stop();
            });
        });
        while (!over) loop_.run_forever();
    }
    end_tasks();  // what the last jobs started
}

}  // namespace mayhem
