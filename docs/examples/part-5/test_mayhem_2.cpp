// The kit makes the loop, as the plugin pytest-asyncio does: the test is a coroutine, runs on every
// backend, and its clock is virtual.
#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

using namespace mayhem::examples;

CO_TEST(mayhem, save) {  // <-- now a coroutine!
    service own;
    const auto msg = std::make_shared<pubsub_message>("1234", "mayhem_test");
    EXPECT_FALSE(msg->saved);  // sanity check
    co_await own.save(msg);
    EXPECT_TRUE(msg->saved);
}
