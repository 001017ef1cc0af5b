// What a loop does between steps: what it goes on with at once, and what it does when it is idle.
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

#include "loop/event_loop.hpp"
#include "loop/loop_probe.hpp"
#include "tests/support/loop_backends.hpp"

namespace {

using namespace mayhem;

class loop_idle : public test::loop_suite {
  protected:
    event_loop loop{options()};
};

TEST_P(loop_idle, who_wakes_an_idle_loop_and_is_gone_when_threads_are_counted_is_heard) {
    bool heard = false;
    bool was_idle = false;
    const auto is_alone = [&] {
        std::thread([&] {
            loop.call_soon_threadsafe([&] {
                heard = true;
                loop.stop();
            });
        }).join();
        return true;
    };
    const auto end = [&] {
        was_idle = true;
        loop.stop();
    };
    loop.set_idle_hook(is_alone, end);
    loop.run_forever();
    EXPECT_TRUE(heard);
    EXPECT_FALSE(was_idle);
}

TEST_P(loop_idle, a_loop_that_is_not_alone_waits) {
    std::jthread other;
    bool was_idle = false;
    const auto is_alone = [&] {
        if (other.joinable()) return false;
        other = std::jthread([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
        return false;
    };
    loop.set_idle_hook(is_alone, [&] { was_idle = true; });
    loop.run_forever();
    EXPECT_FALSE(was_idle);
}

class idle_operation final : public operation {
  public:
    void run() noexcept override {}
};

/// Completes everything at once, with the result that it has already.
class prompt_backend final : public backend {
  public:
    std::string_view name() const noexcept override { return "prompt"; }
    bool completes_files_asynchronously() const noexcept override { return true; }
    void submit(operation&) noexcept override {}
    bool start(operation& op) noexcept override { return finished_at_once(op, op.result); }
    void cancel(operation&) noexcept override {}
    void cancel_all() noexcept override {}
    void forget(int) noexcept override {}
    std::error_code poll(mayhem::wait) noexcept override { return {}; }
};

/// How many operations with such a result complete at once in one step.
int at_once_in_a_step(event_loop& loop, opcode code, std::int32_t result) {
    std::array<idle_operation, 100> operations;  // those beyond wait for the next tick
    int count = 0;
    loop.call_soon([&] {
        loop_probe probe(loop);
        auto own = probe.exchange_backend(std::make_unique<prompt_backend>());
        for (operation& next : operations) {
            next.code = code;
            next.result = result;
            if (!loop.start(next)) break;
            ++count;
        }
        const auto prompt = probe.exchange_backend(std::move(own));
        loop.call_soon([&] { loop.stop(); });
    });
    loop.run_forever();
    return count;
}

TEST_P(loop_idle, what_one_step_may_complete_at_once_is_bounded_in_number_and_in_bytes) {
    constexpr std::int32_t many = 1 << 20;
    const int bound = at_once_in_a_step(loop, opcode::recv, 1);
    EXPECT_GT(bound, 1);
    EXPECT_LT(bound, 100);
    EXPECT_EQ(at_once_in_a_step(loop, opcode::recv, many), 0);
    EXPECT_EQ(at_once_in_a_step(loop, opcode::write, many), 0);
    // The number of a descriptor is no number of bytes.
    EXPECT_EQ(at_once_in_a_step(loop, opcode::accept, many), bound);
    EXPECT_EQ(at_once_in_a_step(loop, opcode::openat, many), bound);
}

ON_EVERY_BACKEND(loop_idle);

}  // namespace
