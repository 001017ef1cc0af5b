#include "loop/running_loop.hpp"

#include <pthread.h>

#include "loop/error.hpp"

namespace mayhem {
namespace {

thread_local event_loop* current_loop = nullptr;

// Never inlined: a coroutine may resume on another thread, and the compiler must not keep the
// address of the thread-local across that (toolchains do).
[[gnu::noinline]] event_loop*& current_loop_slot() noexcept { return current_loop; }

void in_forked_child() noexcept {
    ++detail::forks;
    current_loop_slot() = nullptr;  // of the thread that forked, the only one that is left
}

}  // namespace

event_loop* running_loop_or_null() noexcept { return current_loop_slot(); }

event_loop& get_running_loop() {
    event_loop* loop = running_loop_or_null();
    if (loop == nullptr) throw loop_error("no running event loop");
    return *loop;
}

namespace detail {

void set_running_loop(event_loop* loop) noexcept { current_loop_slot() = loop; }

constinit unsigned forks = 0;

void count_forks() noexcept {
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, in_forked_child);
}

}  // namespace detail
}  // namespace mayhem
