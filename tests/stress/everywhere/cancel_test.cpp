// Every scenario, cancelled at every place where it can be.

#include <gtest/gtest.h>

#include "tasks/testing/cancel_everywhere.hpp"
#include "tests/stress/everywhere/scenarios.hpp"

namespace mayhem::testing {
namespace {

class cancelled_everywhere : public ::testing::TestWithParam<named_body> {};

TEST_P(cancelled_everywhere, leaves_nothing_behind) {
    notes found;
    scenario what;
    what.body = [&found] { return GetParam().body(found); };
    what.check = [&found] { return found.verdict(); };
    what.may_throw = is_expected_failure;
    const findings all = cancel_everywhere(what);
    EXPECT_GT(all.points, 0U);
}

std::string name_of(const ::testing::TestParamInfo<named_body>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(sync, cancelled_everywhere, ::testing::ValuesIn(sync_scenarios()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(combining, cancelled_everywhere,
                         ::testing::ValuesIn(combining_scenarios()), name_of);
INSTANTIATE_TEST_SUITE_P(io, cancelled_everywhere, ::testing::ValuesIn(io_scenarios()), name_of);

}  // namespace
}  // namespace mayhem::testing
