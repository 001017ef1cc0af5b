// Loops that are watched being closed.
#include "tasks/testing/close_observer.hpp"

#include <csignal>
#include <gtest/gtest.h>

#include "tasks/testing/co_test.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;

TEST(close_observer, every_close_is_counted_and_the_first_can_still_look) {
    for_each_backend([](backend_kind kind) {
        event_loop loop(test_options(kind).loop);
        loop.add_signal_handler(SIGTERM, [](int) {});
        int looked = 0;
        const close_observer closing(loop, [&](event_loop& ending) {
            if (!ending.is_closed()) {
                EXPECT_TRUE(ending.has_signal_handler(SIGTERM));
            }
            ++looked;
        });
        EXPECT_EQ(closing.calls(), 0);
        loop.close();
        EXPECT_FALSE(loop.has_signal_handler(SIGTERM));
        loop.close();
        EXPECT_EQ(closing.calls(), 2);
        EXPECT_EQ(looked, 2);
    });
}

TEST(close_observer, a_close_that_is_refused_does_not_count) {
    event_loop loop;
    const close_observer closing(loop);
    loop.call_soon([&] {
        EXPECT_THROW(loop.close(), loop_error);
        loop.stop();
    });
    loop.run_forever();
    EXPECT_EQ(closing.calls(), 0);
}

}  // namespace
