// Every scenario that makes system calls, with each of them failing once: on a simulated kernel
// that is calm, and on rough ones, where the error meets short reads, delays and races.

#include <cstdlib>
#include <gtest/gtest.h>

#include "loop/log.hpp"
#include "tasks/testing/fail_every_system_call.hpp"
#include "tests/stress/everywhere/scenarios.hpp"

namespace mayhem::testing {
namespace {

std::uint64_t seeds() {
    const char* const asked = std::getenv("MAYHEM_SEEDS");
    return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 20;
}

class refused_by_the_kernel : public ::testing::TestWithParam<named_body> {
  protected:
    void SetUp() override { set_log_level(log_level::critical); }  // errors are what is asked for
    void TearDown() override { set_log_level(log_level::info); }

    static findings fail_all(const sim_options& kernel) {
        notes found;
        scenario what;
        what.body = [&found] { return GetParam().body(found); };
        what.check = [&found] { return found.verdict(); };
        what.may_throw = is_expected_failure;
        return fail_every_system_call(what, kernel);
    }
};

TEST_P(refused_by_the_kernel, leaves_nothing_behind) {
    const findings found = fail_all(sim_options::calm());
    // What is not made of descriptors has nothing to be refused, nor has what uses real ones.
    const std::string_view name = GetParam().name;
    const bool makes_none = name == "a_look_up" || name == "jobs_in_threads" || name == "a_process";
    EXPECT_EQ(found.points == 0, makes_none);
}

TEST_P(refused_by_the_kernel, leaves_nothing_behind_on_rough_kernels) {
    for (std::uint64_t seed = 1; seed <= seeds() && !HasFailure(); ++seed) {
        fail_all(sim_options::rough(seed));
    }
}

std::string name_of(const ::testing::TestParamInfo<named_body>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(io, refused_by_the_kernel, ::testing::ValuesIn(io_scenarios()), name_of);

}  // namespace
}  // namespace mayhem::testing
