// What the programs of this workload share: the producer measures, on the first processor; the loop
// runs on the second.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <semaphore>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

#include "bench/support/bench.hpp"

namespace bench {

/// How much the producer hands over before it waits for all of it.
constexpr std::int64_t batch = 100'000;

/// Counts on the loop's thread; the producer looks until the count is complete.
class consumed {
  public:
    void expect(std::int64_t count) noexcept {
        left_ = count;
        done_.store(false, std::memory_order_relaxed);
    }
    void one() noexcept {
        if (--left_ == 0) done_.store(true, std::memory_order_release);
    }
    void wait() const noexcept {
        while (!done_.load(std::memory_order_acquire)) std::this_thread::yield();
    }

  private:
    std::int64_t left_ = 0;  // handed over to the loop's thread by the first submission
    std::atomic<bool> done_{false};
};

/// Wakes the producer, which sleeps in the kernel: the way back of a round trip.
class bell {
  public:
    bell() : event_(::eventfd(0, EFD_CLOEXEC)) {}
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;
    ~bell() { ::close(event_); }

    void ring() const noexcept {
        const std::uint64_t one = 1;
        if (::write(event_, &one, sizeof one) < 0) std::abort();
    }
    void wait() const noexcept {
        std::uint64_t rung = 0;
        if (::read(event_, &rung, sizeof rung) < 0) std::abort();
    }

  private:
    int event_;
};

}  // namespace bench
