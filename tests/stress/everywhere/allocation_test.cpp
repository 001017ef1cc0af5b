// Every scenario, with each of its allocations failing once.

#include <gtest/gtest.h>

#include "tasks/testing/fail_every_allocation.hpp"
#include "tests/stress/everywhere/scenarios.hpp"

namespace mayhem::testing {
namespace {

class without_memory : public ::testing::TestWithParam<named_body> {};

TEST_P(without_memory, leaves_nothing_behind) {
    notes found;
    scenario what;
    what.body = [&found] { return GetParam().body(found); };
    what.check = [&found] { return found.verdict(); };
    what.may_throw = is_expected_failure;
    const findings all = fail_every_allocation(what);
    EXPECT_GT(all.points, 10U);
}

std::string name_of(const ::testing::TestParamInfo<named_body>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(sync, without_memory, ::testing::ValuesIn(sync_scenarios()), name_of);
INSTANTIATE_TEST_SUITE_P(combining, without_memory, ::testing::ValuesIn(combining_scenarios()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(io, without_memory, ::testing::ValuesIn(io_scenarios()), name_of);

}  // namespace
}  // namespace mayhem::testing
