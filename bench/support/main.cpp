// The main function of every benchmark.

#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
