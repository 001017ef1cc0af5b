// A turn of Asio's loop without coroutines: a callback that posts itself. It awaits nothing, so
// this is the only case that it has.

#include "bench/support/asio.hpp"
#include "bench/support/bench.hpp"

namespace {

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

void measure_callback(benchmark::State& state) {
    const bench::counted counting(state);
    asio::io_context context(bench::single_thread);
    repeated callback(state, context);
    asio::post(context, [&callback] { callback(); });
    context.run();
}

const bool registered = [] {
    bench::add("callback", measure_callback);
    return true;
}();

}  // namespace
