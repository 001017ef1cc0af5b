// The least that timers need: a 4-ary heap with the keys in it, and one timerfd for the earliest.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <vector>

#include "bench/support/raw.hpp"

namespace raw {

using steady = std::chrono::steady_clock;

/// A line entry with a place in the heap.
struct timer : node {
    std::size_t position = 0;
};

class timer_heap {
  public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] steady::time_point earliest() const noexcept { return heap_.front().when; }
    timer& first() noexcept { return *heap_.front().item; }

    void add(timer& item, steady::time_point when) {
        heap_.push_back({when, &item});
        rise(heap_.size() - 1, {when, &item});
    }

    void remove(timer& item) noexcept {
        const std::size_t hole = item.position;
        const entry last = heap_.back();
        heap_.pop_back();
        if (hole == heap_.size()) return;
        if (hole > 0 && last.when < heap_[parent(hole)].when) {
            rise(hole, last);
        } else {
            sink(hole, last);
        }
    }

  private:
    struct entry {
        steady::time_point when;
        timer* item;
    };
    static constexpr std::size_t arity = 4;
    static std::size_t parent(std::size_t at) noexcept { return (at - 1) / arity; }

    void put(std::size_t at, const entry& value) noexcept {
        heap_[at] = value;
        value.item->position = at;
    }
    void rise(std::size_t at, const entry value) noexcept {
        while (at > 0 && value.when < heap_[parent(at)].when) {
            put(at, heap_[parent(at)]);
            at = parent(at);
        }
        put(at, value);
    }
    void sink(std::size_t at, const entry value) noexcept {
        while (true) {
            const std::size_t begin = at * arity + 1;
            if (begin >= heap_.size()) break;
            std::size_t least = begin;
            for (std::size_t child = begin + 1; child < begin + arity; ++child) {
                if (child < heap_.size() && heap_[child].when < heap_[least].when) least = child;
            }
            if (!(heap_[least].when < value.when)) break;
            put(at, heap_[least]);
            at = least;
        }
        put(at, value);
    }

    std::vector<entry> heap_;
};

inline timer_heap timers;

/// Waits for a point in time.
struct sleep_until : timer {
    explicit sleep_until(steady::time_point deadline) noexcept : when(deadline) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        frame = waiting;
        timers.add(*this, when);
    }
    void await_resume() const noexcept {}

    steady::time_point when;
};

/// Runs what is ready and what becomes due, until nothing is left.
class timer_loop {
  public:
    timer_loop()
        : poll_(::epoll_create1(EPOLL_CLOEXEC)),
          clock_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
        epoll_event edge{.events = EPOLLIN | EPOLLET, .data = {}};
        ::epoll_ctl(poll_, EPOLL_CTL_ADD, clock_, &edge);
    }
    timer_loop(const timer_loop&) = delete;
    timer_loop& operator=(const timer_loop&) = delete;
    ~timer_loop() {
        ::close(clock_);
        ::close(poll_);
    }

    void run() {
        run_ready();
        while (!timers.empty()) {
            const auto now = steady::now();
            while (!timers.empty() && timers.earliest() <= now) {
                timer& due = timers.first();
                timers.remove(due);
                ready.push(due);
            }
            if (ready.empty()) wait_until(timers.earliest());
            run_ready();
        }
    }

  private:
    void wait_until(steady::time_point when) const {
        const std::int64_t at = when.time_since_epoch().count();
        constexpr std::int64_t second = 1'000'000'000;
        const itimerspec wanted{.it_interval = {},
                                .it_value = {.tv_sec = at / second, .tv_nsec = at % second}};
        ::timerfd_settime(clock_, TFD_TIMER_ABSTIME, &wanted, nullptr);
        epoll_event event{};
        ::epoll_wait(poll_, &event, 1, -1);
    }

    int poll_;
    int clock_;
};

}  // namespace raw
