// Work that another thread hands to a loop of Mayhem: as nodes that the producer owns, and as
// callables.

#include <deque>

#include "bench/submit/two_threads.hpp"
#include "loop/event_loop.hpp"

namespace {

/// A loop on the second processor.
class looping {
  public:
    looping() : thread_([this] { run(); }) { ready_.acquire(); }
    ~looping() {
        loop_->call_soon_threadsafe([this] { loop_->stop(); });
        thread_.join();
    }
    mayhem::event_loop& loop() { return *loop_; }

  private:
    void run() {
        bench::pin_thread(1);
        mayhem::event_loop loop;
        loop_ = &loop;
        ready_.release();
        loop.run_forever();
    }
    mayhem::event_loop* loop_ = nullptr;
    std::binary_semaphore ready_{0};
    std::thread thread_;
};

class item final : public mayhem::runnable {
  public:
    explicit item(bench::consumed& all) : all_(all) {}
    void run() noexcept override { all_.one(); }

  private:
    bench::consumed& all_;
};

void measure_nodes(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state, bench::batch);
    bench::consumed all;
    std::deque<item> items;
    for (std::int64_t count = bench::batch; count > 0; --count) items.emplace_back(all);
    looping consumer;
    const auto remote = consumer.loop().remote();
    for (auto _ : state) {
        all.expect(bench::batch);
        for (item& one : items) {
            if (!remote->post(one)) std::terminate();
        }
        all.wait();
    }
}

void measure_callables(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state, bench::batch);
    bench::consumed all;
    looping consumer;
    for (auto _ : state) {
        all.expect(bench::batch);
        for (std::int64_t count = bench::batch; count > 0; --count) {
            consumer.loop().call_soon_threadsafe([&all] { all.one(); });
        }
        all.wait();
    }
}

void measure_round_trip(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state);
    bench::bell bell;
    looping consumer;
    for (auto _ : state) {
        consumer.loop().call_soon_threadsafe([&bell] { bell.ring(); });
        bell.wait();
    }
}

const bool registered = [] {
    bench::add("nodes", measure_nodes)->UseRealTime();
    bench::add("callables", measure_callables)->UseRealTime();
    bench::add("round_trip", measure_round_trip)->UseRealTime();
    return true;
}();

}  // namespace
