// Blocking work on threads, awaited by coroutines: the only place where this library starts any.
//
// A job's result comes home through the loop's inbox, so it is the same path as every other
// foreign call. A job whose loop has closed meanwhile finishes for nobody: its result is dropped,
// never delivered to a dead loop.
//
// On the sim backend there are no threads: jobs run on the loop's thread, one at a time, each after
// a delay that the seed chooses. A job that waits for the loop from inside is told at once that it
// cannot (see threadsafe.hpp).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "loop/event_loop.hpp"
#include "tasks/coro/result.hpp"
#include "tasks/coro/suspension.hpp"

namespace mayhem {

namespace detail {

/// A job and where its result goes. Shared by the awaiter (loop's thread) and the worker; the
/// worker touches only `execute`, `abandon` and what they write, before it posts the job.
class executor_job : public runnable {
  public:
    explicit executor_job(event_loop& loop)
        : loop_(loop), context_(context::active()), home_(loop.remote()) {}
    virtual ~executor_job() = default;

    /// Worker thread: runs the function and sends the job home. The worker keeps no reference, so
    /// that what the function holds is destroyed on the loop's thread.
    static void work(std::shared_ptr<executor_job> job) noexcept;
    /// Any thread: whether this is where the result goes.
    [[nodiscard]] bool goes_home_to(const inbox& home) const noexcept {
        return home_.get() == &home;
    }
    /// Any thread: the job will never run; its awaiter gets `error`.
    static void abandon(std::shared_ptr<executor_job> job, std::exception_ptr error) noexcept;

    // Loop's thread.
    [[nodiscard]] event_loop& loop() const noexcept { return loop_; }
    void run() noexcept override;
    void discard() noexcept override { keep_alive_.reset(); }
    void set_awaiter(class job_wait* awaiter) noexcept { awaiter_ = awaiter; }
    [[nodiscard]] bool is_finished() const noexcept { return finished_; }

  protected:
    virtual void execute() noexcept = 0;
    virtual void fail(std::exception_ptr error) noexcept = 0;

  private:
    static void send_home(std::shared_ptr<executor_job> job) noexcept;

    event_loop& loop_;  // touched on the loop's thread only
    context context_;   // of the task that waits
    std::shared_ptr<inbox> home_;
    std::shared_ptr<executor_job> keep_alive_;  // while the loop's queues point to it
    class job_wait* awaiter_ = nullptr;
    bool finished_ = false;
};

}  // namespace detail

/// A pool of worker threads; concurrent.futures.ThreadPoolExecutor. Threads start on demand, up to
/// the limit, and block every signal, so that signals go to the loop. Thread-safe.
class thread_pool_executor {
  public:
    /// @param threads_max at least 1; by default min(32, cores + 4), as in Python.
    explicit thread_pool_executor(std::size_t threads_max = default_threads(),
                                  std::string name = "executor");
    thread_pool_executor(const thread_pool_executor&) = delete;
    thread_pool_executor& operator=(const thread_pool_executor&) = delete;
    /// Refuses new jobs, runs what is queued, joins the threads.
    ~thread_pool_executor();

    /// Queues a job. @throws loop_error after shutdown; std::system_error when no thread at all
    /// can be started.
    void submit(std::shared_ptr<detail::executor_job> job);

    /// Refuses new jobs and waits for the running and queued ones, at most `timeout`. When it
    /// passes, queued jobs are abandoned, a warning names how many are still running, and their
    /// threads are left behind (they end with their jobs). Later calls wait no more. @returns true
    /// when all have ended.
    bool shutdown(std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max());

    /// True while a job runs or is queued.
    [[nodiscard]] bool is_busy() const;

    /// How many threads exist now.
    [[nodiscard]] std::size_t threads() const;

    [[nodiscard]] static std::size_t default_threads();

  private:
    struct shared_state;
    void start_thread();

    std::shared_ptr<shared_state> state_;  // shared with the threads, which may outlive the pool
    std::vector<std::thread> threads_;
    std::size_t threads_max_;
    std::string name_;
};

namespace detail {

/// Waits for a job. A thread cannot be interrupted: when the awaiting task is cancelled, the wait
/// ends and the job runs on, its result unseen.
class job_wait : public suspension {
  public:
    bool cancel() noexcept override;
    [[nodiscard]] std::string describe() const override { return "a job in an executor"; }
    void job_done() noexcept { resume(); }

  protected:
    explicit job_wait(std::shared_ptr<executor_job> job) noexcept : job_(std::move(job)) {}
    ~job_wait() {
        if (job_) job_->set_awaiter(nullptr);
    }
    void submit(thread_pool_executor* executor);
    void throw_if_wait_cancelled() const {
        if (cancelled_) throw_if_cancelled(true);
    }

    std::shared_ptr<executor_job> job_;
    bool cancelled_ = false;
};

template <typename Function>
class typed_job final : public executor_job {
  public:
    using value_type = std::invoke_result_t<Function&>;

    typed_job(event_loop& loop, Function function)
        : executor_job(loop), function_(std::move(function)) {}

    result<value_type>& outcome() noexcept { return outcome_; }

  private:
    void execute() noexcept override {
        try {
            if constexpr (std::is_void_v<value_type>) {
                function_();
                outcome_.set_value();
            } else {
                outcome_.set_value(function_());
            }
        } catch (...) {
            outcome_.set_exception(std::current_exception());
        }
    }
    void fail(std::exception_ptr error) noexcept override {
        outcome_.set_exception(std::move(error));
    }

    Function function_;
    result<value_type> outcome_;
};

template <typename Function>
class job_awaiter final : public job_wait {
    using job_type = typed_job<Function>;

  public:
    job_awaiter(event_loop& loop, thread_pool_executor* executor, Function function)
        : job_wait(std::make_shared<job_type>(loop, std::move(function))), executor_(executor) {}

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
        suspend(frame);
        deliver_pending_cancel();
        if (!cancelled_) submit(executor_);  // otherwise the job is not even started
    }
    typename job_type::value_type await_resume() {
        throw_if_wait_cancelled();
        return std::move(static_cast<job_type&>(*job_).outcome()).value();
    }

  private:
    thread_pool_executor* executor_;
};

/// A job that is not submitted yet: what `co_await`, and everything that takes awaitables, submits.
template <typename Function>
class [[nodiscard("a job is not submitted until it is awaited or made a task")]] job_operation {
  public:
    job_operation(thread_pool_executor* executor, Function function)
        : executor_(executor), function_(std::move(function)) {}

    job_awaiter<Function> operator co_await() && {
        return job_awaiter<Function>(get_running_loop(), executor_, std::move(function_));
    }

  private:
    thread_pool_executor* executor_;  // null: the loop's own
    Function function_;
};

/// `function(args...)`, to be called once, somewhere else.
template <typename Function, typename... Args>
auto bind_call(Function function, Args... args) {
    return
        [function = std::move(function), ... args = std::move(args)]() mutable -> decltype(auto) {
            return std::invoke(function, std::move(args)...);
        };
}

template <typename Function>
auto make_job(thread_pool_executor* executor, Function function) {
    return job_operation<Function>(executor, std::move(function));
}

}  // namespace detail

/// Calls `function(args...)` on a thread of `executor`, in a copy of the caller's context (asyncio
/// does not copy it), and gives its value or exception; loop.run_in_executor. The arguments are
/// copied or moved into the job; std::ref passes a reference. Bind a capturing lambda to a name
/// first (g++ 12 destroys a capturing temporary inside a co_await expression twice):
///
///     auto query = [path] { return read_all(path); };
///     auto text = co_await run_in_executor(pool, query);
///     auto reading = create_task(run_in_executor(pool, read_all, path));  // in the background
///
/// The job is submitted when it is awaited (asyncio: by the call). Cancellation ends the wait, not
/// the job.
template <typename Function, typename... Args>
auto run_in_executor(thread_pool_executor& executor, Function function, Args... args) {
    return detail::make_job(&executor, detail::bind_call(std::move(function), std::move(args)...));
}

/// The same on the loop's default executor.
template <typename Function>
auto run_in_executor(Function function) {
    return detail::make_job(nullptr, std::move(function));
}

/// Calls `function(args...)` on the default executor; asyncio.to_thread. The arguments are copied
/// or moved into the job.
template <typename Function, typename... Args>
auto to_thread(Function function, Args... args) {
    return run_in_executor(detail::bind_call(std::move(function), std::move(args)...));
}

}  // namespace mayhem
