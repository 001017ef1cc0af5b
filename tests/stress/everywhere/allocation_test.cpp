// Every scenario, with each of its allocations failing once.

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "loop/backend.hpp"
#include "loop/fd.hpp"
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

class plain_operation final : public operation {
  public:
    void run() noexcept override {}
};

/// A scenario's descriptors are too small for the table to grow: here is one that is not.
TEST(epoll_table, that_cannot_grow_fails_the_operation_and_nothing_else) {
    ready_queue ready;
    const auto made = make_backend(backend_kind::epoll, ready);
    ASSERT_TRUE(made.has_value());
    const unique_fd event(::eventfd(1, EFD_CLOEXEC));
    const unique_fd high(::fcntl(event.get(), F_DUPFD_CLOEXEC, 900));
    ASSERT_TRUE(high);
    std::array<std::byte, 8> room{};
    plain_operation op;
    for (const std::int32_t expected : {-ENOMEM, 8}) {
        op.prepare_read(high.get(), room);
        allocation_gate::fail_at(expected < 0 ? 1 : 0);
        allocation_gate::open();
        (*made)->submit(op);
        allocation_gate::shut();
        ASSERT_FALSE(ready.empty());
        ready.pop();
        EXPECT_EQ(op.result, expected);
    }
}

}  // namespace
}  // namespace mayhem::testing
