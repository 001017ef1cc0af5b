// Mocking tasks, incorrectly: `consume` makes a task of handle_message, and nobody gives it a turn.
//
// Expected to fail, as its original is: the mock was called, since calling a coroutine function
// runs nothing, but what it returned has not run yet.
#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/mock_coro.hpp"

using namespace mayhem::examples;
using namespace mayhem::testing;

struct mock_service : service {
    MOCK_METHOD(mayhem::coro<>, handle_message, (message msg), (override));
};

CO_TEST(mayhem, consume) {
    mock_service own;
    co_calls handled;
    const auto msg = std::make_shared<pubsub_message>("1234", "mayhem_test");
    EXPECT_CALL(own, handle_message(msg)).WillOnce(CoReturn().counted(handled));

    message_queue queue;
    queue.put_nowait(msg);
    queue.shutdown();  // the second get() throws, and so breaks the loop
    CO_EXPECT_THROW(co_await own.consume(queue), mayhem::queue_shutdown);

    EXPECT_EQ(handled.awaited(), 1U);
}
