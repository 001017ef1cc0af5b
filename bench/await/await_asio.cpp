// The same things as await_mayhem.cpp, in Asio's terms, for comparison. Asio has no tasks that are
// awaited by handle; what comes closest is spawning a coroutine with `use_awaitable`.

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <benchmark/benchmark.h>

namespace {

/// One thread runs the context, as in Mayhem: Asio may leave its locks out.
constexpr int single_thread = 1;

asio::awaitable<int> child(int value) { co_return value; }

asio::awaitable<void> await_children(benchmark::State& state) {
    for (auto _ : state) {
        const int value = co_await child(1);
        benchmark::DoNotOptimize(value);
    }
}

asio::awaitable<void> await_spawned(benchmark::State& state) {
    auto executor = co_await asio::this_coro::executor;
    for (auto _ : state) {
        const int value = co_await asio::co_spawn(executor, child(1), asio::use_awaitable);
        benchmark::DoNotOptimize(value);
    }
}

asio::awaitable<void> yield(benchmark::State& state) {
    auto executor = co_await asio::this_coro::executor;
    for (auto _ : state) {
        co_await asio::post(executor, asio::use_awaitable);
    }
}

void run(asio::awaitable<void> body) {
    asio::io_context context(single_thread);
    asio::co_spawn(context, std::move(body), asio::detached);
    context.run();
}

void asio_await_child(benchmark::State& state) { run(await_children(state)); }
BENCHMARK(asio_await_child);

void asio_create_and_await_task(benchmark::State& state) { run(await_spawned(state)); }
BENCHMARK(asio_create_and_await_task);

void asio_yield(benchmark::State& state) { run(yield(state)); }
BENCHMARK(asio_yield);

/// A callback that posts itself until the measurement is over.
class repeated {
  public:
    repeated(benchmark::State& state, asio::io_context& context)
        : state_(state), context_(context) {}

    void operator()() {
        if (!state_.KeepRunning()) return;
        asio::post(context_, [this] { (*this)(); });
    }

  private:
    benchmark::State& state_;
    asio::io_context& context_;
};

void asio_call_soon(benchmark::State& state) {
    asio::io_context context(single_thread);
    repeated callback(state, context);
    asio::post(context, [&callback] { callback(); });
    context.run();
}
BENCHMARK(asio_call_soon);

}  // namespace
