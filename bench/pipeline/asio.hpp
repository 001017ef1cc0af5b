// The pipeline in Asio: its channel is the queue, co_spawn the task, and && the gather. A channel
// has no join: the last message cancels a timer that the publisher waits for. In a header, because
// it is measured in one context and in several.
#pragma once

// clang-format off: first what tells Asio that this compiler has coroutines.
#include "bench/support/asio.hpp"
// clang-format on
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/redirect_error.hpp>

#include "bench/support/bench.hpp"

namespace bench::pipeline {

using namespace asio::experimental::awaitable_operators;

constexpr std::int64_t batch = 1000;
constexpr std::size_t queue_size = 64;

struct message {
    std::int64_t id;
};

using channel = asio::experimental::channel<executor, void(asio::error_code, message)>;

inline awaitable<> save(message incoming, bool yields, executor on) {
    if (yields) co_await asio::post(on, use_awaitable);
    benchmark::DoNotOptimize(incoming.id);
}

inline awaitable<> restart(message incoming, bool yields, executor on) {
    if (yields) co_await asio::post(on, use_awaitable);
    benchmark::DoNotOptimize(incoming.id);
}

/// How many messages are not acknowledged, and who waits for the last.
struct acknowledgements {
    explicit acknowledgements(executor on) : all(on) {}
    std::int64_t left = 0;
    timer all;
};

inline awaitable<> handle(message incoming, acknowledgements& acknowledged, bool yields,
                          executor on) {
    co_await (save(incoming, yields, on) && restart(incoming, yields, on));
    if (--acknowledged.left == 0) acknowledged.all.cancel();
}

inline awaitable<> consume(channel& messages, acknowledgements& acknowledged, bool yields,
                           executor on) {
    while (true) {
        asio::error_code closed;
        const message incoming =
            co_await messages.async_receive(asio::redirect_error(use_awaitable, closed));
        if (closed) co_return;
        asio::co_spawn(on, handle(incoming, acknowledged, yields, on), asio::detached);
    }
}

/// A batch of messages each time that `more()` says so.
template <typename More>
awaitable<> publish(More more, bool yields, executor on) {
    channel messages(on, queue_size);
    acknowledgements acknowledged(on);
    asio::co_spawn(on, consume(messages, acknowledged, yields, on), asio::detached);
    while (more()) {
        acknowledged.left = batch;
        acknowledged.all.expires_at(timer::time_point::max());
        for (std::int64_t id = 0; id < batch; ++id) {
            co_await messages.async_send(asio::error_code(), message{id}, use_awaitable);
        }
        asio::error_code cancelled;
        co_await acknowledged.all.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    messages.close();
    co_await asio::post(on, use_awaitable);  // the consumer ends before its channel
}

}  // namespace bench::pipeline
