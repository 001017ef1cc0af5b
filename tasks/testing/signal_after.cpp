#include "tasks/testing/signal_after.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mayhem::testing::kit {

void send_signal(int signal_number) {
    // A loop that watches a signal has blocked it in every thread; what is not blocked would end
    // the process, or call a handler that somebody installed on purpose.
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    struct sigaction installed{};
    ::sigaction(signal_number, nullptr, &installed);
    if (sigismember(&blocked, signal_number) == 0 && installed.sa_handler == SIG_DFL) {
        ADD_FAILURE() << "signal_after: nobody handles " << signal_name(signal_number)
                      << "; it would have ended the test program";
        return;
    }
    ::kill(::getpid(), signal_number);
}

}  // namespace mayhem::testing::kit
