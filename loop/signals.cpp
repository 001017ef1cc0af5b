#include "loop/signals.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <sys/signalfd.h>
#include <sys/single_threaded.h>
#include <unistd.h>
#include <vector>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "loop/report.hpp"
#include "loop/slow_step.hpp"

namespace mayhem {

/// One loop's interest in one signal; a node that can travel through that loop's inbox.
struct signal_set::watch final : runnable, std::enable_shared_from_this<watch> {
    watch(event_loop& owner, std::shared_ptr<inbox> mail, int number,
          std::shared_ptr<const signal_handler> function)
        : loop(owner), box(std::move(mail)), signal_number(number), handler(std::move(function)) {}

    /// Any thread: schedules one call, unless one is scheduled already.
    void notify() {
        if (queued.exchange(true, std::memory_order_acq_rel)) return;
        self = shared_from_this();
        if (!box->post(*this)) discard();
    }

    void run() noexcept override {
        // Kept alive here: the handler may remove or replace itself.
        const std::shared_ptr<watch> keep = std::move(self);
        queued.store(false, std::memory_order_release);
        if (!handler) return;
        const std::shared_ptr<const signal_handler> running = handler;
        const detail::slow_step_watch measured(loop, *this);
        context where = scheduled_in;  // each call starts from it anew
        const detail::context_switch inside(loop.active_context(), where);
        try {
            (*running)(signal_number);
        } catch (...) {
            detail::report(loop, std::current_exception(), [this] {
                return exception_context{.message = "Exception in the handler of " +
                                                    signal_name(signal_number)};
            });
        }
    }

    void discard() noexcept override { self.reset(); }

    [[nodiscard]] std::string describe() const {
        return fmt::format("<Handle handler of {}>", signal_name(signal_number));
    }

    event_loop& loop;
    std::shared_ptr<inbox> box;
    int signal_number;
    // Null once removed. Shared with a run, which may replace it and must not need memory.
    std::shared_ptr<const signal_handler> handler;
    context scheduled_in = context::active();
    bool blocked_by_us = false;  // the mask is ours to restore
    std::atomic<bool> queued{false};
    std::shared_ptr<watch> self;  // keeps the node alive while it is in an inbox or a ready queue
};

namespace {

/// The watchers of each signal in this process.
class watcher_table {
  public:
    static watcher_table& instance() {
        static auto* table = new watcher_table;  // leaked: loops may close during exit
        return *table;
    }

    void add(const std::shared_ptr<signal_set::watch>& added) {
        const std::lock_guard lock(mutex_);
        watchers_[added->signal_number].push_back(added);
    }

    void remove(const signal_set::watch& removed) {
        const std::lock_guard lock(mutex_);
        std::erase_if(watchers_[removed.signal_number],
                      [&](const auto& item) { return item.get() == &removed; });
    }

    void notify(int signal_number) {
        const std::lock_guard lock(mutex_);
        for (const auto& watcher : watchers_[signal_number]) watcher->notify();
    }

  private:
    std::mutex mutex_;
    std::map<int, std::vector<std::shared_ptr<signal_set::watch>>> watchers_;
};

/// True when the thread with this /proc status file blocks the signal (or is gone).
bool blocks_signal(const std::string& status_path, int signal_number) {
    std::ifstream status(status_path);
    std::string line;
    while (std::getline(status, line)) {
        if (!line.starts_with("SigBlk:")) continue;
        const auto mask = std::strtoull(line.c_str() + std::strlen("SigBlk:"), nullptr, 16);
        return ((mask >> (signal_number - 1)) & 1U) != 0;
    }
    return true;
}

/// How many threads other than the calling one would receive the signal's default action.
int threads_open_to(int signal_number) {
    if (__libc_single_threaded != 0) return 0;  // libc has started none, which is the common case
    DIR* tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) return 0;  // no /proc: nothing can be said
    const std::string own = std::to_string(::gettid());
    int count = 0;
    while (const dirent* entry = ::readdir(tasks)) {
        const std::string name = entry->d_name;
        if (name.starts_with('.') || name == own) continue;
        if (!blocks_signal("/proc/self/task/" + name + "/status", signal_number)) ++count;
    }
    ::closedir(tasks);
    return count;
}

void change_mask(int how, int signal_number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    ::pthread_sigmask(how, &set, nullptr);
}

bool is_blocked(int signal_number) {
    sigset_t current;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &current);
    return sigismember(&current, signal_number) == 1;
}

void refuse_uncatchable(int signal_number) {
    if (signal_number <= 0 || signal_number >= NSIG) {
        throw loop_error(fmt::format("{} is not a signal number", signal_number));
    }
    if (signal_number == SIGKILL || signal_number == SIGSTOP) {
        throw loop_error(signal_name(signal_number) + " cannot be caught");
    }
}

}  // namespace

signal_set::signal_set(event_loop& loop, std::shared_ptr<inbox> mail)
    : loop_(loop), inbox_(std::move(mail)) {}

signal_set::~signal_set() { remove_all(); }

void signal_set::add(int signal_number, signal_handler handler) {
    refuse_uncatchable(signal_number);
    auto function = std::make_shared<const signal_handler>(std::move(handler));
    if (const auto found = watches_.find(signal_number); found != watches_.end()) {
        found->second->handler = std::move(function);
        found->second->scheduled_in = context::active();
        return;
    }
    if (const int open = threads_open_to(signal_number); open > 0) {
        throw loop_error(fmt::format(
            "{} is not blocked in {} thread(s) that already run, and would end the process there; "
            "add signal handlers before starting threads, or block the signal in them",
            signal_name(signal_number), open));
    }
    auto added = std::make_shared<watch>(loop_, inbox_, signal_number, std::move(function));
    added->blocked_by_us = !is_blocked(signal_number);
    change_mask(SIG_BLOCK, signal_number);
    try {
        watches_.emplace(signal_number, added);
        update_descriptor();
        watcher_table::instance().add(added);
    } catch (...) {
        watches_.erase(signal_number);
        if (added->blocked_by_us) change_mask(SIG_UNBLOCK, signal_number);
        throw;
    }
}

bool signal_set::remove(int signal_number) {
    const auto found = watches_.find(signal_number);
    if (found == watches_.end()) return false;
    // What is pending was meant for us: consume it, or unblocking would deliver it to the default
    // action, which for most signals ends the process.
    dispatch();
    const std::shared_ptr<watch> removed = found->second;
    watches_.erase(found);
    watcher_table::instance().remove(*removed);
    removed->handler = nullptr;
    update_descriptor();
    if (removed->blocked_by_us) change_mask(SIG_UNBLOCK, signal_number);
    return true;
}

void signal_set::remove_all() noexcept {
    while (!watches_.empty()) remove(watches_.begin()->first);
}

bool signal_set::watches_only(std::size_t mask) const noexcept {
    return std::ranges::all_of(watches_, [mask](const auto& watched) {
        return ((mask >> (watched.first - 1)) & 1U) != 0;
    });
}

void signal_set::dispatch() noexcept {
    signalfd_siginfo record;
    while (descriptor_ && ::read(descriptor_.get(), &record, sizeof record) == sizeof record) {
        watcher_table::instance().notify(static_cast<int>(record.ssi_signo));
    }
}

void signal_set::update_descriptor() {
    sigset_t set;
    sigemptyset(&set);
    for (const auto& [number, unused] : watches_) sigaddset(&set, number);
    const int fd = ::signalfd(descriptor_.get(), &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) throw_errno(errno, "signalfd");
    if (!descriptor_) descriptor_.reset(fd);
}

std::string signal_name(int signal_number) {
    if (const char* name = ::sigabbrev_np(signal_number)) return std::string("SIG") + name;
    return fmt::format("signal {}", signal_number);
}

}  // namespace mayhem
