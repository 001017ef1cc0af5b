#include "tasks/loop_group.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <fmt/format.h>
#include <latch>
#include <mutex>
#include <optional>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <utility>
#include <vector>

#include "tasks/coro/task.hpp"
#include "tasks/exception_group.hpp"
#include "tasks/sync/event.hpp"

namespace mayhem {
namespace {

/// The processors that the calling thread may use.
std::vector<int> usable_processors() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::vector<int> found;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return found;
    for (int each = 0; each < CPU_SETSIZE; ++each) {
        if (CPU_ISSET(static_cast<std::size_t>(each), &allowed)) found.push_back(each);
    }
    return found;
}

/// Keeps the calling thread on one processor, as long as this lives.
class pinned {
  public:
    explicit pinned(std::optional<int> processor) {
        if (!processor || ::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(static_cast<std::size_t>(*processor), &only);
        is_pinned_ = ::sched_setaffinity(0, sizeof only, &only) == 0;
    }
    pinned(const pinned&) = delete;
    pinned& operator=(const pinned&) = delete;
    ~pinned() {
        if (is_pinned_) ::sched_setaffinity(0, sizeof before_, &before_);
    }

  private:
    cpu_set_t before_{};
    bool is_pinned_ = false;
};

/// Blocks every signal that is sent, as long as this lives; threads that are started meanwhile
/// block them for good. Not those that the thread's own mistakes raise.
class signals_blocked {
  public:
    signals_blocked() noexcept {
        sigset_t sent;
        ::sigfillset(&sent);
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) {
            ::sigdelset(&sent, own);
        }
        ::pthread_sigmask(SIG_BLOCK, &sent, &before_);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

}  // namespace

/// One call of `run`: what its threads share.
class loop_group::session {
  public:
    using body_function = std::function<coro<void>(std::size_t)>;

    session(const loop_group_options& options, const body_function& body)
        : options_(options),
          body_(body),
          members_(options.size),
          made_(static_cast<std::ptrdiff_t>(options.size)),
          ended_(static_cast<std::ptrdiff_t>(options.size)),
          closed_(static_cast<std::ptrdiff_t>(options.size)),
          working_(options.size) {}

    void run() {
        start_threads();
        run_member(0);
        for (std::jthread& each : threads_) each.join();
        if (start_failure_) std::rethrow_exception(start_failure_);
        if (!failures_.empty()) throw exception_group("errors in a loop group", failures_);
        if (was_interrupted_) throw interrupted();
        if (was_cancelled_) throw cancelled{};
    }

    [[nodiscard]] event_loop& loop(std::size_t index) const { return *members_.at(index).loop; }

  private:
    struct member {
        event_loop* loop = nullptr;
        // The loop's thread only:
        task_ref main;
        std::optional<event> all_ended;
        bool body_ended = false;
    };

    // ---- The threads ----------------------------------------------------------------------

    void start_threads() {
        const signals_blocked quiet;
        threads_.reserve(members_.size());
        try {
            for (std::size_t index = 1; index < members_.size(); ++index) {
                threads_.emplace_back([this, index] { run_member(index); });
                const std::string name = fmt::format("{}-{}", options_.name, index);
                ::pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
            }
        } catch (...) {
            note_start_failure();
            // Nobody is to wait for those that will never come.
            const std::size_t started = threads_.size() + 1;
            for (std::latch* each : {&made_, &ended_, &closed_}) {
                each->count_down(static_cast<std::ptrdiff_t>(members_.size() - started));
            }
        }
    }

    void run_member(std::size_t index) {
        const pinned place(processor_of(index));
        std::optional<runner> own;
        try {
            run_options options = options_.run;
            options.handle_interrupt = options.handle_interrupt && index == 0;
            own.emplace(options);
            members_[index].loop = &own->loop();
        } catch (...) {
            note_start_failure();
        }
        made_.arrive_and_wait();
        if (!start_failure_) run_loop(index, *own);
        // Until here others may submit to this loop; until it is destroyed they are refused.
        ended_.arrive_and_wait();
        try {
            if (own) own->close();
        } catch (...) {
            note_failure();
        }
        closed_.arrive_and_wait();
    }

    void run_loop(std::size_t index, runner& own) {
        try {
            own.run(be_member(index));
            return;
        } catch (const interrupted&) {
            was_interrupted_ = true;  // written by loop 0 alone
        } catch (const cancelled&) {
            // noted by be_member
        } catch (...) {
            note_failure();
        }
        stop();
        end_body(members_[index]);  // a second Ctrl-C has stopped the loop before its main task
    }

    [[nodiscard]] std::optional<int> processor_of(std::size_t index) const {
        if (!options_.pin || processors_.size() < members_.size()) return std::nullopt;
        return processors_[index];
    }

    // ---- Their main tasks -----------------------------------------------------------------

    /// The body, and then whatever others still want of this loop, until all bodies have ended.
    coro<void> be_member(std::size_t index) {
        member& own = members_[index];
        own.main = current_task();
        own.all_ended.emplace();
        bool cancelled_here = false;
        if (!is_stopping()) {
            const body_function body = body_;
            try {
                co_await body(index);
            } catch (const cancelled&) {
                cancelled_here = true;
            } catch (...) {
                note_failure();
                stop();
            }
        }
        if (cancelled_here) note_cancelled();
        end_body(own);
        while (!own.all_ended->is_set()) {
            try {
                co_await own.all_ended->wait();
            } catch (const cancelled&) {
                cancelled_here = true;
            }
            if (cancelled_here) note_cancelled();
        }
        if (cancelled_here) throw cancelled{};
    }

    /// The last one tells all loops.
    void end_body(member& own) {
        if (std::exchange(own.body_ended, true)) return;
        const std::lock_guard lock(mutex_);
        if (--working_ > 0) return;
        for (member& each : members_) {
            each.loop->call_soon_threadsafe([&each] { each.all_ended->set(); });
        }
    }

    /// Cancels every body that has not ended, once.
    void stop() {
        const std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, true)) return;
        for (member& each : members_) {
            each.loop->call_soon_threadsafe([&each] {
                // Before its first step it looks whether it has to stop.
                if (each.main && !each.body_ended) each.main.cancel();
            });
        }
    }

    // ---- What went wrong ------------------------------------------------------------------

    [[nodiscard]] bool is_stopping() const {
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    /// Cancelled by somebody else than `stop`, it takes the others with it.
    void note_cancelled() {
        {
            const std::lock_guard lock(mutex_);
            if (!stopping_) was_cancelled_ = true;
        }
        stop();
    }

    void note_failure() {
        const std::lock_guard lock(mutex_);
        failures_.push_back(std::current_exception());
    }

    void note_start_failure() {
        const std::lock_guard lock(mutex_);
        if (!start_failure_) start_failure_ = std::current_exception();
    }

    const loop_group_options& options_;
    const body_function& body_;
    const std::vector<int> processors_ = usable_processors();
    std::vector<member> members_;
    std::vector<std::jthread> threads_;
    std::latch made_;                   // every loop is there, or will never be
    std::latch ended_;                  // nobody runs a loop any more
    std::latch closed_;                 // nobody can reach another's loop any more
    std::exception_ptr start_failure_;  // written before `made_`, read after it
    bool was_interrupted_ = false;

    mutable std::mutex mutex_;  // for all that follows
    std::size_t working_;
    bool stopping_ = false;
    bool was_cancelled_ = false;
    std::vector<std::exception_ptr> failures_;
};

loop_group::loop_group(loop_group_options options) : options_(std::move(options)) {
    if (options_.size == 0) options_.size = std::max<std::size_t>(1, usable_processors().size());
}

loop_group::~loop_group() = default;

std::size_t loop_group::size() const noexcept { return options_.size; }

event_loop& loop_group::loop(std::size_t index) const {
    if (!session_) throw loop_error("a loop group has loops only while it runs");
    return session_->loop(index);
}

void loop_group::run(const std::function<coro<void>(std::size_t index)>& body) {
    if (session_) throw loop_error("this loop group is running already");
    session_ = std::make_unique<session>(options_, body);
    struct session_end {
        std::unique_ptr<session>& own;
        ~session_end() { own.reset(); }
    };
    const session_end end{session_};
    session_->run();
}

}  // namespace mayhem
