// What every C++ benchmark of this folder shares, whatever it measures: how a case is registered,
// what is counted besides time, and how a thread is pinned.
//
// Each program is one competitor's answer to one workload. It registers its cases under the names
// that workloads.toml gives them, and `bench/run` compares cases of the same name. Google Benchmark
// runs them and writes the JSON.
//
// The environment chooses what the caller alone can know:
//   BENCH_SIZES=1,100     which sizes a case that has sizes runs with
//   BENCH_ITERATIONS=2    exactly so many iterations, for counting instructions and system calls
#pragma once

#include <benchmark/benchmark.h>
#include <cstdint>
#include <initializer_list>

namespace bench {

using function = void (*)(benchmark::State&);

/// Registers a case.
benchmark::internal::Benchmark* add(const char* name, function body);

/// Registers a case that reads its size from `state.range(0)`. `sizes` is what it runs with when
/// BENCH_SIZES says nothing.
benchmark::internal::Benchmark* add_sized(const char* name, function body,
                                          std::initializer_list<std::int64_t> sizes);

/// How often memory was asked for (malloc, calloc, realloc and what stands on them, new among it),
/// by all threads of this process.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// Pins the calling thread to one of the processors that the process may use: the first is 0.
void pin_thread(unsigned position);

/// What a measurement costs besides time. Made at the top of a case; at the end of the scope it
/// adds its counters: how many operations an iteration has, and allocations per operation.
class counted {
  public:
    explicit counted(benchmark::State& state, std::int64_t operations_per_iteration = 1)
        : state_(state), operations_(operations_per_iteration), before_(allocations()) {}
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted();

  private:
    benchmark::State& state_;
    std::int64_t operations_;
    std::uint64_t before_;
};

}  // namespace bench
