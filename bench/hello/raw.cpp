// The smallest program that runs a coroutine on a loop: an epoll descriptor and a timerfd, as every
// loop has them.

#include "bench/support/raw_timers.hpp"

static raw::job hello(int& answer) {
    answer = 0;
    co_return;
}

int main() {
    raw::timer_loop loop;
    int answer = 1;
    hello(answer);
    loop.run();
    return answer;
}
