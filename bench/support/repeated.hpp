// Mayhem's side of measuring a bare callback.
#pragma once

#include <benchmark/benchmark.h>

#include "loop/event_loop.hpp"

namespace bench {

/// A callback that schedules itself until the measurement is over, and then stops the loop.
class repeated {
  public:
    repeated(benchmark::State& state, mayhem::event_loop& loop) : state_(state), loop_(loop) {}

    void operator()() {
        if (!state_.KeepRunning()) return loop_.stop();
        loop_.call_soon([this] { (*this)(); });
    }

  private:
    benchmark::State& state_;
    mayhem::event_loop& loop_;
};

}  // namespace bench
