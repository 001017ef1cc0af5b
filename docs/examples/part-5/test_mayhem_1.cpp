// Running the event loop ourselves: a plain test calls `run`.
#include <gtest/gtest.h>

#include "docs/examples/part-5/mayhem.hpp"

using namespace mayhem::examples;

TEST(mayhem, save) {
    service own;
    const auto msg = std::make_shared<pubsub_message>("1234", "mayhem_test");
    EXPECT_FALSE(msg->saved);  // sanity check
    mayhem::run(own.save(msg));
    EXPECT_TRUE(msg->saved);
}
