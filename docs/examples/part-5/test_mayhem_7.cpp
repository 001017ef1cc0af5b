// Testing the event loop, for each signal: INT, TERM and HUP end the service, and USR1 is none of
// its own: a handler of the test hears of it.
#include <csignal>

#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/close_observer.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/mock_coro.hpp"
#include "tasks/testing/signal_after.hpp"

using namespace mayhem::examples;
using namespace mayhem::testing;
using namespace std::chrono_literals;

struct mock_service : service {
    MOCK_METHOD(mayhem::coro<>, publish, (message_queue & queue), (override));
    MOCK_METHOD(mayhem::coro<>, consume, (message_queue & queue), (override));
    MOCK_METHOD(mayhem::coro<>, shutdown, (mayhem::event_loop & loop, int number), (override));
    mayhem::coro<> real_shutdown(mayhem::event_loop& loop, int number) {
        return service::shutdown(loop, number);
    }
};

class main_test : public testing::TestWithParam<int> {};

TEST_P(main_test, ends_by_a_signal) {
    const int tested_signal = GetParam();
    for_each_backend([=](mayhem::backend_kind kind) {
        mock_service own;
        EXPECT_CALL(own, publish);
        EXPECT_CALL(own, consume);

        mayhem::event_loop loop(test_options(kind).loop);
        const close_observer closing(loop, [=](mayhem::event_loop& ending) {
            EXPECT_TRUE(ending.has_signal_handler(tested_signal));
            EXPECT_TRUE(ending.get_exception_handler());
            EXPECT_FALSE(ending.is_running());
        });

        testing::MockFunction<void(int)> unexpected;
        loop.add_signal_handler(SIGUSR1, [&](int number) {
            unexpected.Call(number);
            loop.stop();
        });
        const bool is_unexpected = tested_signal == SIGUSR1;
        EXPECT_CALL(unexpected, Call(SIGUSR1)).Times(is_unexpected ? 1 : 0);
        ON_CALL(own, shutdown).WillByDefault(std::bind_front(&mock_service::real_shutdown, &own));
        EXPECT_CALL(own, shutdown(testing::Ref(loop), tested_signal)).Times(is_unexpected ? 0 : 1);

        signal_after(100ms, tested_signal, loop);
        own.main(loop);
        EXPECT_EQ(closing.calls(), 1);
    });
}

INSTANTIATE_TEST_SUITE_P(mayhem, main_test, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR1),
                         [](const auto& each) { return mayhem::signal_name(each.param); });
