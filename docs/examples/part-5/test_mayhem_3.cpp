// Mocking coroutines: the sleep inside `save` is replaced, and counted.
#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/mock_sleep.hpp"

using namespace mayhem::examples;
using mayhem::testing::mock_sleep;

CO_TEST(mayhem, save) {
    const mock_sleep sleeps;
    service own;
    const auto msg = std::make_shared<pubsub_message>("1234", "mayhem_test");
    EXPECT_FALSE(msg->saved);  // sanity check
    co_await own.save(msg);
    EXPECT_TRUE(msg->saved);
    EXPECT_EQ(sleeps.count(), 1U);
}
