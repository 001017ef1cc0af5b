// No signals on threads of our own: they go to the loop.
#pragma once

#include <csignal>
#include <pthread.h>

namespace mayhem::detail {

/// Blocks every signal on this thread, and so on the threads that it starts meanwhile.
class all_signals_blocked {
  public:
    all_signals_blocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;
    ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace mayhem::detail
