// The smallest program that runs a coroutine on a context of Asio.

#include "bench/support/asio.hpp"

static bench::awaitable<> hello(int& answer) {
    answer = 0;
    co_return;
}

int main() {
    asio::io_context context(bench::single_thread);
    int answer = 1;
    bench::run(context, hello(answer));
    return answer;
}
