#include "tests/stress/soak/outsiders.hpp"

#include <random>
#include <stdexcept>

namespace mayhem::soak {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// The loop answers within a tick; a thread that waits for so long waits for ever.
constexpr seconds answer_max{30};

coro<int> nap(int times) {
    for (int count = 0; count < times; ++count) co_await mayhem::sleep(milliseconds(1));
    co_return times;
}

}  // namespace

outsiders::outsiders(event_loop& loop, int count, std::uint64_t seed)
    : loop_(loop), at_work_(count) {
    for (int number = 0; number < count; ++number) {
        const std::uint64_t own_seed = seed + static_cast<std::uint64_t>(number);
        threads_.emplace_back([this, own_seed] {
            post_until_told(own_seed);
            --at_work_;
        });
    }
}

void outsiders::post_until_told(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!told_to_end_) {
        for (std::uint64_t left = random() % 16; left > 0; --left) {
            ++callbacks_;
            const handle posted = loop_.call_soon_threadsafe([this] { ++callbacks_run_; });
        }
        submit(random());
        wait_for(run_coroutine_threadsafe(nap(1), loop_));  // the loop sets the pace
        ++posts_;
    }
}

void outsiders::submit(std::uint64_t whim) {
    auto answer = run_coroutine_threadsafe(nap(static_cast<int>(whim % 3)), loop_);
    const std::uint64_t how = whim / 3 % 4;
    if (how == 0) return;  // forgotten: it runs all the same
    if (how == 1) answer.cancel();
    wait_for(std::move(answer));
}

void outsiders::wait_for(concurrent_future<int> answer) {
    try {
        (void)answer.get(answer_max);
    } catch (const cancelled&) {
        // As was asked.
    } catch (const timeout_error&) {
        ++unanswered_;
    }
}

coro<> outsiders::end() {
    told_to_end_ = true;
    while (at_work_ > 0) co_await mayhem::sleep(milliseconds(1));
    threads_.clear();  // joins
    // What they have forgotten ends, too: its naps are short.
    co_await mayhem::sleep(milliseconds(20));
    if (unanswered_ > 0) throw std::runtime_error("a thread's coroutine was never answered");
    if (callbacks_run_ != callbacks_) {
        throw std::runtime_error("a thread's callback is lost or ran twice");
    }
}

}  // namespace mayhem::soak
