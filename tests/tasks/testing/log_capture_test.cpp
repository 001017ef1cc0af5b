// Captured log lines: what is expected is found once, and what is not expected fails.
#include "tasks/testing/log_capture.hpp"

#include <gmock/gmock.h>

#include "tasks/testing/failure_capture.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(log_capture, lines_come_with_their_level_in_order) {
    const log_capture log;
    mayhem::log(log_level::info, "Saved {}", 1);
    mayhem::log(log_level::error, "Lost {}", 2);
    EXPECT_THAT(log.lines(), ElementsAre("INFO: Saved 1", "ERROR: Lost 2"));
    EXPECT_EQ(log.count("Saved"), 1U);
}

TEST(log_capture, each_line_is_expected_once) {
    log_capture log;
    mayhem::log(log_level::info, "Saved a");
    mayhem::log(log_level::info, "Saved b");
    log.expect(EndsWith("b"));
    log.expect("Saved");
    log.expect_nothing_else();
    EXPECT_THAT(failures_of([&] { log.expect("Saved"); }),
                ElementsAre(AllOf(HasSubstr("has substring \"Saved\""),
                                  HasSubstr("INFO: Saved a  (expected already)"))));
}

TEST(log_capture, an_unexpected_line_fails_the_test) {
    log_capture log;
    mayhem::log(log_level::info, "as ever");
    mayhem::log(log_level::error, "disk full");
    EXPECT_THAT(failures_of([&] { log.expect_nothing_else(log_level::warning); }),
                ElementsAre(HasSubstr("An unexpected line was logged: ERROR: disk full")));
    log.expect("disk full");
    EXPECT_THAT(failures_of([&] { log.expect_nothing_else(log_level::warning); }), IsEmpty());
}

TEST(log_capture, what_was_said_can_be_forgotten) {
    log_capture log;
    mayhem::log(log_level::error, "before");
    log.clear();
    log.expect_nothing_else();
}

TEST(log_capture, lines_below_its_level_are_not_collected) {
    const log_capture log(log_level::warning);
    mayhem::log(log_level::info, "as ever");
    EXPECT_THAT(log.lines(), IsEmpty());
}

}  // namespace
