// The limit of the pipeline: the same steps with raw coroutines and a queue that is an array.

#include "bench/support/raw.hpp"

#include <array>

#include "bench/support/bench.hpp"

namespace {

constexpr std::int64_t batch = 1000;
constexpr std::size_t queue_size = 64;

struct message {
    std::int64_t id;
};

/// A bounded queue for one who puts and one who gets.
class message_queue {
  public:
    struct waiting : raw::node {
        bool is_there = false;
        void wait(std::coroutine_handle<> who) noexcept {
            frame = who;
            is_there = true;
        }
        void wake() noexcept {
            if (std::exchange(is_there, false)) raw::ready.push(*this);
        }
    };
    struct putting {
        message_queue& queue;
        message item;
        bool await_ready() const noexcept { return queue.count_ < queue_size; }
        void await_suspend(std::coroutine_handle<> who) noexcept { queue.putter_.wait(who); }
        void await_resume() noexcept {
            queue.items_[(queue.first_ + queue.count_++) % queue_size] = item;
            queue.getter_.wake();
        }
    };
    struct getting {
        message_queue& queue;
        bool await_ready() const noexcept { return queue.count_ > 0; }
        void await_suspend(std::coroutine_handle<> who) noexcept { queue.getter_.wait(who); }
        message await_resume() noexcept {
            const message item = queue.items_[queue.first_++ % queue_size];
            --queue.count_;
            queue.putter_.wake();
            return item;
        }
    };
    putting put(message item) noexcept { return {*this, item}; }
    getting get() noexcept { return {*this}; }

  private:
    std::array<message, queue_size> items_{};
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    waiting putter_;
    waiting getter_;
};

raw::job save(message incoming, bool yields, raw::countdown& left) {
    if (yields) co_await raw::yield();
    benchmark::DoNotOptimize(incoming.id);
    left.arrive();
}

raw::job restart(message incoming, bool yields, raw::countdown& left) {
    if (yields) co_await raw::yield();
    benchmark::DoNotOptimize(incoming.id);
    left.arrive();
}

raw::job handle(message incoming, bool yields, raw::countdown& unacknowledged) {
    raw::countdown both(2);
    save(incoming, yields, both);
    restart(incoming, yields, both);
    co_await both;
    unacknowledged.arrive();
}

raw::job consume(message_queue& messages, bool yields, raw::countdown& unacknowledged) {
    for (std::int64_t count = 0; count < batch; ++count) {
        const message incoming = co_await messages.get();
        handle(incoming, yields, unacknowledged);
    }
}

raw::job publish(benchmark::State& state, bool yields) {
    message_queue messages;
    for (auto _ : state) {
        raw::countdown unacknowledged(batch);
        consume(messages, yields, unacknowledged);
        for (std::int64_t id = 0; id < batch; ++id) co_await messages.put(message{id});
        co_await unacknowledged;
    }
}

void measure_straight(benchmark::State& state) {
    const bench::counted counting(state, batch);
    publish(state, false);
    raw::run_ready();
}

void measure_yielding(benchmark::State& state) {
    const bench::counted counting(state, batch);
    publish(state, true);
    raw::run_ready();
}

const bool registered = [] {
    bench::add("straight", measure_straight);
    bench::add("yielding", measure_yielding);
    return true;
}();

}  // namespace
