// Testing the event loop: main runs whole, with publisher and consumer mocked, and a signal ends
// it.
#include <csignal>

#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/close_observer.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tasks/testing/mock_coro.hpp"
#include "tasks/testing/signal_after.hpp"

using namespace mayhem::examples;
using namespace mayhem::testing;
using namespace std::chrono_literals;

struct mock_service : service {
    MOCK_METHOD(mayhem::coro<>, publish, (message_queue & queue), (override));
    MOCK_METHOD(mayhem::coro<>, consume, (message_queue & queue), (override));
};

TEST(mayhem, main) {
    for_each_backend([](mayhem::backend_kind kind) {
        log_capture log;
        mock_service own;
        co_calls run;
        EXPECT_CALL(own, publish).WillOnce(CoReturn().counted(run));
        EXPECT_CALL(own, consume).WillOnce(CoReturn().counted(run));

        // what main leaves on the loop is looked at when it closes it
        mayhem::event_loop loop(test_options(kind).loop);
        const close_observer closing(loop, [](mayhem::event_loop& ending) {
            EXPECT_TRUE(ending.has_signal_handler(SIGTERM));
            EXPECT_TRUE(ending.get_exception_handler());
            EXPECT_FALSE(ending.is_running());
            EXPECT_FALSE(ending.is_closed());
        });

        // let the loop start and work a little bit, then send a signal
        signal_after(100ms, SIGTERM, loop);
        own.main(loop);

        EXPECT_EQ(run.finished(), 2U);
        log.expect("Received exit signal SIGTERM...");
        log.expect("Cancelling outstanding tasks");
        EXPECT_EQ(closing.calls(), 1);
    });
}
