// The path of a message through the service, without its database: published into a bounded queue,
// taken out by a consumer that starts a task for it, which saves and restarts at the same time and
// then acknowledges. In a header, because it is measured in one loop and in several.
#pragma once

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdint>

#include "tasks/mayhem.hpp"

namespace bench::pipeline {

using mayhem::coro;

constexpr std::int64_t batch = 1000;
constexpr std::size_t queue_size = 64;

struct message {
    std::int64_t id;
};

inline coro<> save(message incoming, bool yields) {
    if (yields) co_await mayhem::yield();
    benchmark::DoNotOptimize(incoming.id);
}

inline coro<> restart(message incoming, bool yields) {
    if (yields) co_await mayhem::yield();
    benchmark::DoNotOptimize(incoming.id);
}

inline coro<> handle(message incoming, mayhem::queue<message>& messages, bool yields) {
    co_await mayhem::gather(save(incoming, yields), restart(incoming, yields));
    messages.task_done();
}

inline coro<> consume(mayhem::queue<message>& messages, bool yields) {
    while (true) {
        const message incoming = co_await messages.get();
        mayhem::create_task(handle(incoming, messages, yields));
    }
}

/// A batch of messages each time that `more()` says so.
template <typename More>
coro<> publish(More more, bool yields) {
    mayhem::queue<message> messages(queue_size);
    auto consumer = mayhem::create_task(consume(messages, yields));
    while (more()) {
        for (std::int64_t id = 0; id < batch; ++id) co_await messages.put(message{id});
        co_await messages.join();
    }
    consumer.cancel();
    const auto ended = co_await mayhem::gather(mayhem::return_exceptions, consumer);
    benchmark::DoNotOptimize(ended);
}

}  // namespace bench::pipeline
