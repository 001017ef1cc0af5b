// The path of a message through the service, without its database: published into a bounded queue,
// taken out by a consumer that starts a task for it, which saves and restarts at the same time and
// then acknowledges.

#include "tasks/mayhem.hpp"

#include "bench/support/bench.hpp"

namespace {

using mayhem::coro;

constexpr std::int64_t batch = 1000;
constexpr std::size_t queue_size = 64;

struct message {
    std::int64_t id;
};

coro<> save(message incoming, bool yields) {
    if (yields) co_await mayhem::yield();
    benchmark::DoNotOptimize(incoming.id);
}

coro<> restart(message incoming, bool yields) {
    if (yields) co_await mayhem::yield();
    benchmark::DoNotOptimize(incoming.id);
}

coro<> handle(message incoming, mayhem::queue<message>& messages, bool yields) {
    co_await mayhem::gather(save(incoming, yields), restart(incoming, yields));
    messages.task_done();
}

coro<> consume(mayhem::queue<message>& messages, bool yields) {
    while (true) {
        const message incoming = co_await messages.get();
        mayhem::create_task(handle(incoming, messages, yields));
    }
}

coro<> publish(benchmark::State& state, bool yields) {
    mayhem::queue<message> messages(queue_size);
    auto consumer = mayhem::create_task(consume(messages, yields));
    for (auto _ : state) {
        for (std::int64_t id = 0; id < batch; ++id) co_await messages.put(message{id});
        co_await messages.join();
    }
    consumer.cancel();
    const auto ended = co_await mayhem::gather(mayhem::return_exceptions, consumer);
    benchmark::DoNotOptimize(ended);
}

void measure_straight(benchmark::State& state) {
    const bench::counted counting(state, batch);
    mayhem::run(publish(state, false));
}

void measure_yielding(benchmark::State& state) {
    const bench::counted counting(state, batch);
    mayhem::run(publish(state, true));
}

const bool registered = [] {
    bench::add("straight", measure_straight);
    bench::add("yielding", measure_yielding);
    return true;
}();

}  // namespace
