#include "loop/running_loop.hpp"

#include <pthread.h>

#include "loop/error.hpp"

namespace mayhem::detail {

constinit thread_local event_loop* running_loop = nullptr;

void throw_no_running_loop() { throw loop_error("no running event loop"); }

constinit unsigned forks = 0;

namespace {

void in_forked_child() noexcept {
    ++forks;
    running_loop = nullptr;  // of the thread that forked, the only one that is left
}

}  // namespace

void count_forks() noexcept {
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, in_forked_child);
}

}  // namespace mayhem::detail
