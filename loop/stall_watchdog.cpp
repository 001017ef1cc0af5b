#include "loop/stall_watchdog.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <execinfo.h>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <ucontext.h>
#include <utility>
#include <vector>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "loop/log.hpp"
#include "loop/signal_mask.hpp"
#include "loop/stall_report.hpp"

namespace mayhem {
namespace detail {
namespace {

// Read by the signal handler: initial-exec, so that the access never allocates.
[[gnu::tls_model(
    "initial-exec")]] thread_local constinit std::atomic<step_monitor*> monitor_of_thread{nullptr};

/// Where the signal interrupted the thread; null where we do not know the processor.
void* interrupted_at([[maybe_unused]] void* context) noexcept {
#if defined(__x86_64__)
    const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
    return reinterpret_cast<void*>(registers[REG_RIP]);
#elif defined(__aarch64__)
    return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
    return nullptr;
#endif
}

void on_watchdog_signal(int /*number*/, siginfo_t* /*info*/, void* context) noexcept {
    const int saved = errno;
    if (step_monitor* monitor = monitor_of_thread.load(std::memory_order_relaxed)) {
        monitor->answer(context);
    }
    errno = saved;
}

/// The signal: the highest real-time signal that nobody uses. 0 until the handler is installed,
/// which then stays: a signal that comes late must not meet the default action.
int watchdog_signal = 0;

void install_handler() {
    if (watchdog_signal != 0) return;
    void* frame = nullptr;
    ::backtrace(&frame, 1);  // loads the unwinder now: the handler must not
    for (int candidate = SIGRTMAX; candidate >= SIGRTMIN; --candidate) {
        struct sigaction current{};
        if (::sigaction(candidate, nullptr, &current) != 0) continue;
        if ((current.sa_flags & SA_SIGINFO) != 0 || current.sa_handler != SIG_DFL) continue;
        struct sigaction own{};
        own.sa_sigaction = on_watchdog_signal;
        own.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        sigfillset(&own.sa_mask);
        if (::sigaction(candidate, &own, nullptr) != 0) continue;
        watchdog_signal = candidate;
        return;
    }
    throw loop_error("the stall watchdog found no free real-time signal");
}

}  // namespace

// ---- When to report -----------------------------------------------------------------------

std::optional<duration> stall_schedule::look(std::uint64_t step, time_point now) noexcept {
    const duration since = looked_ ? now - *looked_ : duration{};
    looked_ = now;
    const bool in_a_step = step % 2 == 1;
    if (!in_a_step || step != step_) {
        step_ = step;
        lasted_ = duration{};
        next_report_ = threshold_;
        return std::nullopt;
    }
    lasted_ += std::min(since, 2 * tick);  // the rest is the time in which we did not run
    if (lasted_ < next_report_) return std::nullopt;
    while (next_report_ <= lasted_) next_report_ *= 2;
    if (limit_is_reached(now)) {
        ++swallowed_;
        return std::nullopt;
    }
    return lasted_;
}

bool stall_schedule::limit_is_reached(time_point now) noexcept {
    if (reports_ == 0 || now - minute_ >= std::chrono::minutes(1)) {
        minute_ = now;
        reports_ = 0;
    }
    if (reports_ == reports_per_minute_max) return true;
    ++reports_;
    return false;
}

// ---- One loop -----------------------------------------------------------------------------

step_monitor::step_monitor(duration threshold) : schedule_(threshold) {
    ::sem_init(&answered_, 0, 0);
}

step_monitor::~step_monitor() { ::sem_destroy(&answered_); }

std::optional<duration> step_monitor::look(time_point now) noexcept {
    if (loop_ == nullptr) return std::nullopt;
    return schedule_.look(step_.load(std::memory_order_relaxed), now);
}

void step_monitor::answer(void* context) noexcept {
    phase expected = phase::requested;
    // Acquire: asked_step_ is read after it. Failure: an old signal, which nobody waits for.
    if (!phase_.compare_exchange_strong(expected, phase::writing, std::memory_order_acquire)) {
        return;
    }
    phase outcome = phase::too_late;
    if (step_.load(std::memory_order_relaxed) == asked_step_) {
        snapshot_.task_id = 0;
        snapshot_.task_name[0] = '\0';
        snapshot_.frame_count = 0;
        snapshot_.callback = callback_.load(std::memory_order_relaxed);
        if (const loop_extension* extension = loop_->extension()) {
            extension->note_running(snapshot_);
        }
        snapshot_.native_count =
            ::backtrace(snapshot_.native.data(), static_cast<int>(stall_snapshot::native_max));
        // The innermost frames are this handler's own: the story begins where it interrupted.
        auto* const begin = snapshot_.native.data();
        auto* const end = begin + snapshot_.native_count;
        auto* const interrupted = std::find(begin, end, interrupted_at(context));
        if (interrupted != end) {
            snapshot_.native_count = static_cast<int>(std::copy(interrupted, end, begin) - begin);
        }
        outcome = phase::answered;
    }
    phase_.store(outcome, std::memory_order_release);  // publishes the snapshot to the watchdog
    ::sem_post(&answered_);
}

step_monitor::reply step_monitor::interrogate(stall_snapshot& into) noexcept {
    constexpr std::chrono::milliseconds patience{200};
    asked_step_ = step_.load(std::memory_order_relaxed);
    if (asked_step_ % 2 == 0) return reply::step_has_ended;
    phase_.store(phase::requested, std::memory_order_release);  // publishes asked_step_
    if (::pthread_kill(thread_, watchdog_signal) != 0) {
        phase_.store(phase::idle, std::memory_order_relaxed);
        return reply::none;
    }
    const auto until = (clock::now() + patience).time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until);
    const timespec deadline{seconds.count(), std::chrono::nanoseconds(until - seconds).count()};
    while (::sem_clockwait(&answered_, CLOCK_MONOTONIC, &deadline) != 0) {
        if (errno == EINTR) continue;
        phase expected = phase::requested;
        if (phase_.compare_exchange_strong(expected, phase::idle)) return reply::none;
        while (::sem_wait(&answered_) != 0) continue;  // the handler has begun, and will end
        break;
    }
    const phase outcome = phase_.exchange(phase::idle, std::memory_order_acquire);
    if (outcome == phase::too_late) return reply::step_has_ended;
    into = snapshot_;
    return reply::snapshot;
}

// ---- The thread ---------------------------------------------------------------------------

class watchdog_thread {
  public:
    // Leaked on purpose: loops may still close while static destructors run.
    static watchdog_thread& instance() {
        static auto* only = new watchdog_thread;
        return *only;
    }

    void add(std::shared_ptr<step_monitor> monitor) {
        const std::lock_guard life(life_);
        const std::lock_guard lock(mutex_);
        monitors_.push_back(std::move(monitor));
        if (thread_.joinable()) return;
        try {
            start();
        } catch (...) {
            monitors_.pop_back();
            throw;
        }
    }

    void remove(const std::shared_ptr<step_monitor>& monitor) noexcept {
        const std::lock_guard life(life_);
        {
            const std::lock_guard lock(mutex_);
            std::erase(monitors_, monitor);
            if (!monitors_.empty() || !thread_.joinable()) return;
            ending_ = true;
            wake_.notify_one();
        }
        thread_.join();
        threads_.store(0, std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t threads() const noexcept {
        return threads_.load(std::memory_order_relaxed);
    }

    /// The lock under which a loop enters and leaves its thread.
    std::mutex& mutex() noexcept { return mutex_; }

  private:
    struct report {
        duration lasted;
        step_monitor::reply reply;
        std::size_t swallowed;
        stall_snapshot snapshot;
    };

    void start() {
        install_handler();
        ending_ = false;
        const all_signals_blocked inherited_by_the_thread;
        thread_ = std::thread([this] { serve(); });
        ::pthread_setname_np(thread_.native_handle(), "stall-watchdog");
        threads_.store(1, std::memory_order_relaxed);
    }

    void serve() {
        std::unique_lock lock(mutex_);
        while (!wake_.wait_for(lock, stall_schedule::tick, [this] { return ending_; })) {
            const auto reports = look();
            if (reports.empty()) continue;
            lock.unlock();  // whoever receives log lines may do what he likes
            for (const auto& one : reports) publish(*one);
            lock.lock();
        }
    }

    std::vector<std::unique_ptr<report>> look() {
        std::vector<std::unique_ptr<report>> found;
        const time_point now = clock::now();
        for (const auto& monitor : monitors_) {
            const auto lasted = monitor->look(now);
            if (!lasted) continue;
            std::unique_ptr<report> made(new (std::nothrow) report);
            if (!made) continue;
            made->lasted = *lasted;
            made->reply = monitor->interrogate(made->snapshot);
            if (made->reply == step_monitor::reply::step_has_ended) continue;
            made->swallowed = monitor->take_swallowed();
            found.push_back(std::move(made));
        }
        return found;
    }

    static void publish(const report& made) noexcept {
        const bool has_answer = made.reply == step_monitor::reply::snapshot;
        const stall_snapshot* snapshot = has_answer ? &made.snapshot : nullptr;
        try {
            log_message(log_level::warning, format_stall(snapshot, made.lasted, made.swallowed));
        } catch (...) {
            log_message(log_level::warning, "The event loop is stalled");  // no memory for more
        }
    }

    std::mutex life_;   // starting and ending; taken before mutex_
    std::mutex mutex_;  // the monitors, and which of them are on a thread
    std::condition_variable wake_;
    std::vector<std::shared_ptr<step_monitor>> monitors_;
    bool ending_ = false;
    std::thread thread_;
    std::atomic<std::size_t> threads_{0};
};

void step_monitor::enter_thread(event_loop& loop) noexcept {
    const std::lock_guard lock(watchdog_thread::instance().mutex());
    loop_ = &loop;
    thread_ = ::pthread_self();
    monitor_of_thread.store(this, std::memory_order_relaxed);
}

void step_monitor::leave_thread() noexcept {
    // Whoever asks holds the lock, and is still answered while we wait for it. A signal that comes
    // later finds no monitor.
    const std::lock_guard lock(watchdog_thread::instance().mutex());
    loop_ = nullptr;
    monitor_of_thread.store(nullptr, std::memory_order_relaxed);
}

}  // namespace detail

std::shared_ptr<detail::step_monitor> stall_watchdog::watch(duration threshold) {
    auto monitor = std::make_shared<detail::step_monitor>(threshold);
    detail::watchdog_thread::instance().add(monitor);
    return monitor;
}

void stall_watchdog::forget(const std::shared_ptr<detail::step_monitor>& monitor) noexcept {
    detail::watchdog_thread::instance().remove(monitor);
}

std::size_t stall_watchdog::threads() noexcept {
    return detail::watchdog_thread::instance().threads();
}

std::optional<duration> stall_watchdog::threshold_from_environment() {
    const char* value = std::getenv("MAYHEM_STALL");
    if (value == nullptr || *value == '\0') return std::nullopt;
    const std::string_view text(value);
    double number = 0;
    const auto [end, problem] = std::from_chars(text.begin(), text.end(), number);
    const std::string_view unit(end, text.end());
    const bool is_number = problem == std::errc() && number >= 0 && number < 1e9;
    if (is_number && (unit == "ms" || unit.empty())) {
        return to_duration(std::chrono::duration<double, std::milli>(number));
    }
    if (is_number && unit == "s") return to_duration(std::chrono::duration<double>(number));
    log(log_level::warning,
        "MAYHEM_STALL={} is not understood; write a time as in 50ms or 1.5s, or 0 for off", text);
    return std::nullopt;
}

}  // namespace mayhem
