// The library's log lines: few, rare, and sent to one sink that the program chooses.
//
// This is not a logging framework. A program that has one installs a sink that forwards to it; by
// default lines go to standard error in the format `13:15:31,250 INFO: message`.
#pragma once

#include <chrono>
#include <cstdint>
#include <fmt/core.h>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace mayhem {

enum class log_level : std::uint8_t { debug, info, warning, error, critical };

/// "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL".
[[nodiscard]] std::string_view to_string(log_level level) noexcept;

/// One line, as a sink receives it.
struct log_record {
    std::chrono::system_clock::time_point when;
    log_level level;
    std::string_view message;
};

using log_sink = std::function<void(const log_record&)>;

/// Replaces the sink for the whole process and returns the previous one. An empty sink restores
/// the default. Sinks are called one at a time, from any thread.
log_sink set_log_sink(log_sink sink);

/// Lines below `level` are dropped before they are formatted. The default is `info`.
void set_log_level(log_level level) noexcept;
[[nodiscard]] bool log_enabled(log_level level) noexcept;

/// Hands one line to the sink. Never throws: a log that cannot be written must not take the
/// program with it.
void log_message(log_level level, std::string_view message) noexcept;

/// Formats with fmt's syntax, only when the level is enabled.
template <typename... Args>
void log(log_level level, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(level)) log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

/// `13:15:31,250`: local time, as the default sink prints it.
[[nodiscard]] std::string format_log_time(std::chrono::system_clock::time_point when);

}  // namespace mayhem
