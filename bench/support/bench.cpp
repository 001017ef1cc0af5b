#include "bench/support/bench.hpp"

#include <charconv>
#include <cstdlib>
#include <pthread.h>
#include <sched.h>
#include <string_view>
#include <vector>

namespace bench {

namespace {

std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

/// "1,100" as numbers; what is no number ends the list.
std::vector<std::int64_t> numbers(std::string_view text) {
    std::vector<std::int64_t> found;
    const char* at = text.data();
    const char* const end = at + text.size();
    std::int64_t value = 0;
    while (at < end) {
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc()) break;
        found.push_back(value);
        at = next + 1;
    }
    return found;
}

}  // namespace

benchmark::internal::Benchmark* add(const char* name, function body) {
    auto* registered = benchmark::RegisterBenchmark(name, body);
    const auto iterations = numbers(environment("BENCH_ITERATIONS"));
    if (!iterations.empty()) registered->Iterations(iterations.front());
    return registered;
}

benchmark::internal::Benchmark* add_sized(const char* name, function body,
                                          std::initializer_list<std::int64_t> sizes) {
    auto* registered = add(name, body);
    std::vector<std::int64_t> wanted = numbers(environment("BENCH_SIZES"));
    if (wanted.empty()) wanted = sizes;
    for (const std::int64_t size : wanted) registered->Arg(size);
    return registered;
}

void pin_thread(unsigned position) {
    // As it was before anything was pinned: a thread inherits the narrowed set of its creator.
    static const cpu_set_t allowed = [] {
        cpu_set_t found;
        CPU_ZERO(&found);
        ::sched_getaffinity(0, sizeof found, &found);
        return found;
    }();
    unsigned seen = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed) || seen++ != position) continue;
        cpu_set_t chosen;
        CPU_ZERO(&chosen);
        CPU_SET(cpu, &chosen);
        ::pthread_setaffinity_np(::pthread_self(), sizeof chosen, &chosen);
        return;
    }
}

counted::~counted() {
    const auto runs = static_cast<double>(state_.iterations());
    const auto operations = static_cast<double>(operations_);
    const auto asked = static_cast<double>(allocations() - before_);
    state_.counters["operations"] = operations;
    if (runs > 0) state_.counters["allocations"] = asked / (runs * operations);
}

}  // namespace bench
