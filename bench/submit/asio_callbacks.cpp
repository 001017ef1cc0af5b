// Work that another thread posts to an io_context of Asio, which one thread runs.

#include <asio/executor_work_guard.hpp>

#include "bench/submit/two_threads.hpp"
#include "bench/support/asio.hpp"

namespace {

class looping {
  public:
    ~looping() {
        work_.reset();
        thread_.join();
    }
    asio::io_context& context() { return context_; }

  private:
    asio::io_context context_{bench::single_thread};
    asio::executor_work_guard<asio::io_context::executor_type> work_ =
        asio::make_work_guard(context_);
    std::thread thread_{[this] {
        bench::pin_thread(1);
        context_.run();
    }};
};

void measure_callables(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state, bench::batch);
    bench::consumed all;
    looping consumer;
    for (auto _ : state) {
        all.expect(bench::batch);
        for (std::int64_t count = bench::batch; count > 0; --count) {
            asio::post(consumer.context(), [&all] { all.one(); });
        }
        all.wait();
    }
}

void measure_round_trip(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state);
    const bench::bell bell;
    looping consumer;
    for (auto _ : state) {
        asio::post(consumer.context(), [&bell] { bell.ring(); });
        bell.wait();
    }
}

const bool registered = [] {
    bench::add("callables", measure_callables)->UseRealTime();
    bench::add("round_trip", measure_round_trip)->UseRealTime();
    return true;
}();

}  // namespace
