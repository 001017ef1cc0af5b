#include "tasks/executor.hpp"

#include <algorithm>
#include <pthread.h>

#include "loop/log.hpp"
#include "loop/signal_mask.hpp"
#include "loop/sim_backend.hpp"
#include "tasks/coro/runtime.hpp"

namespace mayhem {
namespace detail {

void executor_job::work(std::shared_ptr<executor_job> job) noexcept {
    job->context_.run([&] { job->execute(); });
    send_home(std::move(job));
}

void executor_job::abandon(std::shared_ptr<executor_job> job, std::exception_ptr error) noexcept {
    job->fail(std::move(error));
    send_home(std::move(job));
}

void executor_job::send_home(std::shared_ptr<executor_job> job) noexcept {
    // The job owns itself on its way. The post's release makes the outcome visible to the loop's
    // thread, which may run and drop the job at once: nothing of it is touched afterwards.
    executor_job& own = *job;
    const std::shared_ptr<inbox> home = own.home_;
    own.keep_alive_ = std::move(job);
    if (!home->post(own)) own.keep_alive_.reset();  // the loop is closed: nobody wants it
}

void executor_job::run() noexcept {
    const std::shared_ptr<executor_job> keep = std::move(keep_alive_);
    finished_ = true;
    if (loop_.simulation() == nullptr) loop_.end_external_work();
    if (awaiter_ != nullptr) awaiter_->job_done();
}

bool job_wait::cancel() noexcept {
    if (cancelled_) return false;
    if (job_->is_finished()) return false;
    job_->set_awaiter(nullptr);
    cancelled_ = true;
    wake();
    return true;
}

void job_wait::submit(thread_pool_executor* executor) {
    try {
        if (executor == nullptr) executor = runtime::of(loop()).default_executor().get();
        executor->submit(job_);
    } catch (...) {
        undo_suspend();
        throw;
    }
    job_->set_awaiter(this);  // the job comes home on a later tick, never before this
    // On a simulated kernel the job is a timer of the loop's own.
    if (loop().simulation() == nullptr) loop().begin_external_work();
}

}  // namespace detail

struct thread_pool_executor::shared_state {
    std::mutex mutex;
    std::condition_variable work_or_end;
    std::condition_variable job_ended;
    std::deque<std::shared_ptr<detail::executor_job>> jobs;
    std::size_t threads = 0;
    std::size_t idle = 0;
    std::size_t running = 0;
    bool closed = false;

    /// The first job that goes home to `home`, or to anybody if that is null, on the caller's
    /// thread. @returns false when there was none
    bool run_one(const inbox* home = nullptr) {
        std::unique_lock lock(mutex);
        const auto found = std::find_if(jobs.begin(), jobs.end(), [home](const auto& job) {
            return home == nullptr || job->goes_home_to(*home);
        });
        if (found == jobs.end()) return false;
        auto job = std::move(*found);
        jobs.erase(found);
        lock.unlock();
        detail::executor_job::work(std::move(job));
        return true;
    }

    void serve() {
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            work_or_end.wait(lock, [this] { return closed || !jobs.empty(); });
            --idle;
            if (jobs.empty()) break;
            auto job = std::move(jobs.front());
            jobs.pop_front();
            ++running;
            lock.unlock();
            detail::executor_job::work(std::move(job));
            lock.lock();
            --running;
            job_ended.notify_all();
        }
        --threads;
        job_ended.notify_all();
    }
};

thread_pool_executor::thread_pool_executor(std::size_t threads_max, std::string name)
    : state_(std::make_shared<shared_state>()),
      threads_max_(std::max<std::size_t>(threads_max, 1)),
      name_(std::move(name)) {}

thread_pool_executor::~thread_pool_executor() { shutdown(); }

std::size_t thread_pool_executor::default_threads() {
    return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

std::size_t thread_pool_executor::threads() const {
    const std::lock_guard lock(state_->mutex);
    return state_->threads;
}

bool thread_pool_executor::is_busy() const {
    const std::lock_guard lock(state_->mutex);
    return state_->running > 0 || !state_->jobs.empty();
}

void thread_pool_executor::submit(std::shared_ptr<detail::executor_job> job) {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) throw loop_error("cannot schedule new jobs after executor shutdown");
    if (sim_backend* const simulation = job->loop().simulation()) {
        // A timer for each job runs one of its own loop's: those of another, which may be closed by
        // now, have theirs.
        event_loop& loop = job->loop();
        auto turn = [state = state_, home = loop.remote()] { state->run_one(home.get()); };
        loop.call_later(simulation->job_delay(), std::move(turn));
        state_->jobs.push_back(std::move(job));
        return;
    }
    const bool somebody_free = state_->idle > state_->jobs.size();
    if (!somebody_free && state_->threads < threads_max_) {
        try {
            start_thread();
        } catch (const std::system_error&) {
            // With at least one thread the job is only late, not lost.
            if (state_->threads == 0) throw;
        }
    }
    state_->jobs.push_back(std::move(job));
    state_->work_or_end.notify_one();
}

/// REQUIRES: the lock is held.
void thread_pool_executor::start_thread() {
    const detail::all_signals_blocked inherited_by_the_thread;
    threads_.emplace_back([state = state_] { state->serve(); });
    ++state_->threads;
    ::pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
}

bool thread_pool_executor::shutdown(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(state_->mutex);
    if (state_->closed && threads_.empty()) return state_->threads == 0;
    state_->closed = true;
    state_->work_or_end.notify_all();
    const auto all_ended = [this] { return state_->threads == 0; };
    bool ended = true;
    if (timeout == std::chrono::nanoseconds::max()) {
        state_->job_ended.wait(lock, all_ended);
    } else {
        ended = state_->job_ended.wait_for(lock, timeout, all_ended);
    }
    if (state_->threads == 0) {  // no thread left what is queued: it waits for a simulated one
        lock.unlock();
        while (state_->run_one()) {
        }
        lock.lock();
    }
    const std::size_t running = state_->running;
    const std::size_t dropped = state_->jobs.size();
    while (!state_->jobs.empty()) {  // one by one, since a destructor may come here without memory
        auto job = std::move(state_->jobs.front());
        state_->jobs.pop_front();
        lock.unlock();
        const loop_error error("the executor was shut down");
        detail::executor_job::abandon(std::move(job), std::make_exception_ptr(error));
        lock.lock();
    }
    lock.unlock();
    for (std::thread& thread : threads_) {
        if (ended) {
            thread.join();
        } else {
            thread.detach();
        }
    }
    threads_.clear();
    if (!ended) {
        log(log_level::warning,
            "The executor did not finish joining its threads in time: {} job(s) still run, {} "
            "queued job(s) were dropped",
            running, dropped);
    }
    return ended;
}

}  // namespace mayhem
