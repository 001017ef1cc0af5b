// What the kernel says of this process: processor time used, and memory held. For the cases whose
// figure is not the time that passes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace bench {

/// Processor time of all threads, in nanoseconds, the kernel's work for them included.
inline double cpu_ns() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto in_ns = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
    };
    return in_ns(usage.ru_utime) + in_ns(usage.ru_stime);
}

/// Resident memory in bytes.
inline double resident_bytes() {
    long total = 0;
    long resident = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
        if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// The value below which `part` of them lie; sorts them.
inline double quantile(std::vector<std::int64_t>& values, double part) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const auto last = static_cast<double>(values.size() - 1);
    return static_cast<double>(values[static_cast<std::size_t>(part * last)]);
}

}  // namespace bench
