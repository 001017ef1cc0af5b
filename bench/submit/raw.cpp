// The limit of submitting: a stack with one atomic word, taken as a whole, and an eventfd that is
// written only when the loop sleeps.

#include <sys/epoll.h>
#include <vector>

#include "bench/submit/two_threads.hpp"

namespace {

struct item {
    item* next = nullptr;
    const bench::bell* to_ring = nullptr;
};

/// A loop that counts items, or rings the bell that one brings.
class looping {
  public:
    explicit looping(bench::consumed& all) : all_(all), event_(::eventfd(0, EFD_NONBLOCK)) {
        thread_ = std::thread([this] { run(); });
    }
    ~looping() {
        stopping_.store(true);
        item last;
        post(last);
        thread_.join();
        ::close(event_);
    }

    void post(item& one) noexcept {
        item* newest = newest_.load(std::memory_order_relaxed);
        do {
            one.next = newest == &asleep_ ? nullptr : newest;
        } while (!newest_.compare_exchange_weak(newest, &one, std::memory_order_release,
                                                std::memory_order_relaxed));
        if (newest == &asleep_) ::eventfd_write(event_, 1);
    }

  private:
    void run() {
        bench::pin_thread(1);
        const int poll = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
        ::epoll_ctl(poll, EPOLL_CTL_ADD, event_, &event);
        while (!stopping_.load(std::memory_order_relaxed)) {
            item* taken = newest_.exchange(nullptr, std::memory_order_acquire);
            if (taken == nullptr) {
                item* nothing = nullptr;
                if (newest_.compare_exchange_strong(nothing, &asleep_)) {
                    ::epoll_wait(poll, &event, 1, -1);
                }
                continue;
            }
            if (taken == &asleep_) continue;
            for (item* one = in_order(taken); one != nullptr;) {
                item* const following = one->next;  // the item is the producer's once it counts
                one->to_ring == nullptr ? all_.one() : one->to_ring->ring();
                one = following;
            }
        }
        ::close(poll);
    }
    static item* in_order(item* newest) noexcept {
        item* oldest = nullptr;
        while (newest != nullptr) {
            item* const older = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = older;
        }
        return oldest;
    }

    bench::consumed& all_;
    item asleep_;
    std::atomic<item*> newest_{nullptr};
    std::atomic<bool> stopping_{false};
    int event_;
    std::thread thread_;
};

void measure_nodes(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state, bench::batch);
    bench::consumed all;
    std::vector<item> items(bench::batch);
    looping consumer(all);
    for (auto _ : state) {
        all.expect(bench::batch);
        for (item& one : items) consumer.post(one);
        all.wait();
    }
}

void measure_round_trip(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state);
    bench::consumed all;
    const bench::bell bell;
    looping consumer(all);
    item one{.to_ring = &bell};
    for (auto _ : state) {
        consumer.post(one);
        bell.wait();
    }
}

const bool registered = [] {
    bench::add("nodes", measure_nodes)->UseRealTime();
    bench::add("round_trip", measure_round_trip)->UseRealTime();
    return true;
}();

}  // namespace
