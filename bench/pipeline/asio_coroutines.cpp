// The pipeline in Asio: its channel is the queue, co_spawn the task, and && the gather. A channel
// has no join: the last message cancels a timer that the publisher waits for.

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>
#include <asio/redirect_error.hpp>

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

using bench::awaitable;
using namespace asio::experimental::awaitable_operators;

constexpr std::int64_t batch = 1000;
constexpr std::size_t queue_size = 64;

struct message {
    std::int64_t id;
};

using channel = asio::experimental::channel<bench::executor, void(asio::error_code, message)>;

awaitable<> save(message incoming, bool yields, bench::executor executor) {
    if (yields) co_await asio::post(executor, bench::use_awaitable);
    benchmark::DoNotOptimize(incoming.id);
}

awaitable<> restart(message incoming, bool yields, bench::executor executor) {
    if (yields) co_await asio::post(executor, bench::use_awaitable);
    benchmark::DoNotOptimize(incoming.id);
}

/// How many messages are not acknowledged, and who waits for the last.
struct acknowledgements {
    explicit acknowledgements(bench::executor executor) : all(executor) {}
    std::int64_t left = 0;
    bench::timer all;
};

awaitable<> handle(message incoming, acknowledgements& acknowledged, bool yields,
                   bench::executor executor) {
    co_await (save(incoming, yields, executor) && restart(incoming, yields, executor));
    if (--acknowledged.left == 0) acknowledged.all.cancel();
}

awaitable<> consume(channel& messages, acknowledgements& acknowledged, bool yields,
                    bench::executor executor) {
    while (true) {
        asio::error_code closed;
        const message incoming =
            co_await messages.async_receive(asio::redirect_error(bench::use_awaitable, closed));
        if (closed) co_return;
        asio::co_spawn(executor, handle(incoming, acknowledged, yields, executor), asio::detached);
    }
}

awaitable<> publish(benchmark::State& state, bool yields, bench::executor executor) {
    channel messages(executor, queue_size);
    acknowledgements acknowledged(executor);
    asio::co_spawn(executor, consume(messages, acknowledged, yields, executor), asio::detached);
    for (auto _ : state) {
        acknowledged.left = batch;
        acknowledged.all.expires_at(bench::timer::time_point::max());
        for (std::int64_t id = 0; id < batch; ++id) {
            co_await messages.async_send(asio::error_code(), message{id}, bench::use_awaitable);
        }
        asio::error_code cancelled;
        co_await acknowledged.all.async_wait(asio::redirect_error(bench::use_awaitable, cancelled));
    }
    messages.close();
    co_await asio::post(executor, bench::use_awaitable);  // the consumer ends before its channel
}

void measure_straight(benchmark::State& state) {
    const bench::counted counting(state, batch);
    asio::io_context context(bench::single_thread);
    bench::run(context, publish(state, false, context.get_executor()));
}

void measure_yielding(benchmark::State& state) {
    const bench::counted counting(state, batch);
    asio::io_context context(bench::single_thread);
    bench::run(context, publish(state, true, context.get_executor()));
}

const bool registered = [] {
    bench::add("straight", measure_straight);
    bench::add("yielding", measure_yielding);
    return true;
}();

}  // namespace
