#include "loop/loop_binding.hpp"

#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "loop/log.hpp"

namespace mayhem::detail {
namespace {

struct debugged_loops {
    std::mutex mutex;
    intrusive_list<debugged_loop, debugged_loop> running;

    // Leaked on purpose: loops may still close while static destructors run.
    static debugged_loops& instance() {
        static auto* only = new debugged_loops;
        return *only;
    }
};

/// `4711 'mandrill'`: the kernel's number, by which ps and gdb know it, and its name.
std::string describe_thread(pid_t thread) {
    std::ifstream file(fmt::format("/proc/self/task/{}/comm", thread));
    std::string name;
    std::getline(file, name);
    return fmt::format("{} '{}'", thread, name);
}

/// Carries out a check that throws where nothing may be thrown.
template <typename Check>
bool is_allowed(Check check) noexcept {
    try {
        check();
        return true;
    } catch (const std::exception& refusal) {
        log_message(log_level::error, refusal.what());
        return false;
    }
}

}  // namespace

std::atomic<int> debugged_loop::count_{0};
std::atomic<unsigned> debugged_loop::forks_at_last_{0};

debugged_loop::debugged_loop() noexcept {
    static std::atomic<std::uint64_t> last{0};
    id_ = last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void debugged_loop::enter() noexcept {
    thread_ = ::gettid();
    forks_ = forks;
    forks_at_last_.store(forks, std::memory_order_relaxed);
    const std::lock_guard lock(debugged_loops::instance().mutex);
    debugged_loops::instance().running.push_back(*this);
    count_.fetch_add(1, std::memory_order_relaxed);
}

void debugged_loop::leave() noexcept {
    if (!is_linked()) return;
    const std::lock_guard lock(debugged_loops::instance().mutex);
    debugged_loops::instance().running.remove(*this);
    count_.fetch_sub(1, std::memory_order_relaxed);
}

pid_t debugged_loop::thread_of(std::uint64_t id) noexcept {
    // In a forked child the parent's loops do not run, and their mutex may be locked for ever.
    if (forks_at_last_.load(std::memory_order_relaxed) != forks) return 0;
    debugged_loops& loops = debugged_loops::instance();
    const std::lock_guard lock(loops.mutex);
    for (debugged_loop* loop = loops.running.front(); loop != nullptr;
         loop = loops.running.next(*loop)) {
        if (loop->id() == id) return loop->forks_ == forks ? loop->thread() : 0;
    }
    return 0;
}

void throw_wrong_thread(std::string_view what, pid_t owner) {
    throw loop_error(fmt::format(
        "Non-thread-safe operation invoked on an event loop other than the current one: {} was "
        "called on thread {}, but belongs to the loop that runs on thread {}; use "
        "call_soon_threadsafe",
        what, describe_thread(::gettid()), describe_thread(owner)));
}

void debugged_loop::check_thread(std::uint64_t id, std::string_view what) {
    const pid_t owner = thread_of(id);
    // The same thread may go on with it outside of the loop: the two do not run at once.
    if (owner != 0 && owner != ::gettid()) throw_wrong_thread(what, owner);
}

bool debugged_loop::allows(std::uint64_t id, std::string_view what) noexcept {
    return is_allowed([&] { check_thread(id, what); });
}

void loop_binding::check_slowly(std::string_view what) const {
    const event_loop* here = running_loop_or_null();
    const std::uint64_t own = loop_.load(std::memory_order_relaxed);
    if (here != nullptr && here->id() == own) return;
    check_elsewhere(what, here);
}

/// Apart, so that the usual case needs no stack frame.
void loop_binding::check_elsewhere(std::string_view what, const event_loop* here) const {
    const std::uint64_t own = loop_.load(std::memory_order_relaxed);
    if (own != 0) debugged_loop::check_thread(own, what);
    if (here != nullptr && here->debug()) loop_.store(here->id(), std::memory_order_relaxed);
}

bool loop_binding::allows(std::string_view what) const noexcept {
    return is_allowed([&] { check_thread(what); });
}

}  // namespace mayhem::detail
