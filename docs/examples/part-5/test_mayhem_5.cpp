// Mocking tasks, correctly: what `consume` has started gets its turn before it is judged.
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

    // one for each message consumed
    const auto started = other_tasks();
    CO_ASSERT_EQ(started.size(), 1U);
    EXPECT_EQ(handled.awaited(), 0U);  // <-- sanity check

    // explicitly await tasks scheduled by `create_task`
    co_await mayhem::wait(started);
    EXPECT_EQ(handled.awaited(), 1U);
}
