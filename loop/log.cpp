#include "loop/log.hpp"

#include <atomic>
#include <ctime>
#include <mutex>
#include <unistd.h>

namespace mayhem {
namespace {

std::atomic<log_level> lowest_level{log_level::info};

struct sink_slot {
    std::mutex mutex;
    log_sink sink;
};

// Leaked on purpose: threads may still log while static destructors run.
sink_slot& slot() {
    static auto* instance = new sink_slot;
    return *instance;
}

void write_to_stderr(const log_record& record) {
    const std::string line = fmt::format("{} {}: {}\n", format_log_time(record.when),
                                         to_string(record.level), record.message);
    // One write per line, so that lines of several processes do not mix. What does not fit into a
    // full pipe is dropped: logging never blocks for a reader that has gone.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

std::string_view to_string(log_level level) noexcept {
    switch (level) {
        case log_level::debug:
            return "DEBUG";
        case log_level::info:
            return "INFO";
        case log_level::warning:
            return "WARNING";
        case log_level::error:
            return "ERROR";
        case log_level::critical:
            return "CRITICAL";
    }
    return "UNKNOWN";
}

log_sink set_log_sink(log_sink sink) {
    const std::lock_guard lock(slot().mutex);
    return std::exchange(slot().sink, std::move(sink));
}

void set_log_level(log_level level) noexcept {
    lowest_level.store(level, std::memory_order_relaxed);
}

bool log_enabled(log_level level) noexcept {
    return level >= lowest_level.load(std::memory_order_relaxed);
}

void log_message(log_level level, std::string_view message) noexcept {
    if (!log_enabled(level)) return;
    try {
        const log_record record{std::chrono::system_clock::now(), level, message};
        const std::lock_guard lock(slot().mutex);
        if (slot().sink) {
            slot().sink(record);
        } else {
            write_to_stderr(record);
        }
    } catch (...) {
        // Out of memory while formatting, or a sink that throws: there is nobody left to tell.
    }
}

std::string format_log_time(std::chrono::system_clock::time_point when) {
    const auto since_epoch = when.time_since_epoch();
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    const std::time_t seconds = milliseconds / 1000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:02}:{:02}:{:02},{:03}", local.tm_hour, local.tm_min, local.tm_sec,
                       milliseconds % 1000);
}

}  // namespace mayhem
