// Work that another thread hands to a loop of libuv. uv_async_send only wakes; what is handed over
// is in a queue of the program's own, as libuv's guide shows it.

#include <functional>
#include <mutex>
#include <uv.h>
#include <vector>

#include "bench/submit/two_threads.hpp"

namespace {

class looping {
  public:
    looping() {
        uv_loop_init(&loop_);
        uv_async_init(&loop_, &wake_,
                      [](uv_async_t* wake) { static_cast<looping*>(wake->data)->run_all(); });
        wake_.data = this;
        thread_ = std::thread([this] {
            bench::pin_thread(1);
            uv_run(&loop_, UV_RUN_DEFAULT);
        });
    }
    ~looping() {
        post([this] { uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr); });
        thread_.join();
        uv_loop_close(&loop_);
    }

    void post(std::function<void()> work) {
        {
            const std::lock_guard lock(mutex_);
            posted_.push_back(std::move(work));
        }
        uv_async_send(&wake_);
    }

  private:
    void run_all() {
        {
            const std::lock_guard lock(mutex_);
            running_.swap(posted_);
        }
        for (auto& work : running_) work();
        running_.clear();
    }

    uv_loop_t loop_{};
    uv_async_t wake_{};
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
    std::vector<std::function<void()>> running_;
    std::thread thread_;
};

void measure_callables(benchmark::State& state) {
    bench::pin_thread(0);
    const bench::counted counting(state, bench::batch);
    bench::consumed all;
    looping consumer;
    for (auto _ : state) {
        all.expect(bench::batch);
        for (std::int64_t count = bench::batch; count > 0; --count) {
            consumer.post([&all] { all.one(); });
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
        consumer.post([&bell] { bell.ring(); });
        bell.wait();
    }
}

const bool registered = [] {
    bench::add("callables", measure_callables)->UseRealTime();
    bench::add("round_trip", measure_round_trip)->UseRealTime();
    return true;
}();

}  // namespace
