// Signals to the own process, in virtual time, and the refusal to kill it.
#include "tasks/testing/signal_after.hpp"

#include <csignal>
#include <gmock/gmock.h>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CO_TEST_P(signal_after, a_signal_comes_after_the_delay, int signal_number, SIGINT, SIGTERM, SIGHUP,
          SIGUSR1) {
    promise<int> came;
    get_running_loop().add_signal_handler(signal_number,
                                          [&](int number) { came.set_value(number); });
    const time_point begin = get_running_loop().time();
    signal_after(5min, signal_number);
    EXPECT_EQ(co_await came.get_future(), signal_number);
    EXPECT_EQ(get_running_loop().time() - begin, 5min);
    get_running_loop().remove_signal_handler(signal_number);
}

CO_TEST(signal_after, a_signal_can_be_taken_back) {
    signal_after(1s, SIGTERM).cancel();
    co_await mayhem::sleep(2s);
}

TEST(signal_after, a_signal_that_nobody_handles_fails_the_test_and_is_not_sent) {
    const auto body = []() -> coro<> {
        signal_after(1s, SIGTERM);
        co_await mayhem::sleep(2s);
    };
    EXPECT_THAT(failures_of([&] { run_co_test(backend_kind::epoll, body); }),
                ElementsAre(HasSubstr("nobody handles SIGTERM")));
}

}  // namespace
