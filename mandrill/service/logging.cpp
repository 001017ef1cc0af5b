#include "mandrill/service/logging.hpp"

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace mandrill {
namespace {

const char* colour_of(mayhem::log_level level) {
    switch (level) {
        case mayhem::log_level::debug:
            return "\033[2m";  // faint
        case mayhem::log_level::info:
            return "";
        case mayhem::log_level::warning:
            return "\033[33m";  // yellow
        case mayhem::log_level::error:
            return "\033[31m";  // red
        case mayhem::log_level::critical:
            return "\033[1;31m";
    }
    return "";
}

/// The same level of log, but a deed that is done stands out from one that has begun.
const char* colour_of(const mayhem::log_record& record) {
    if (record.level != mayhem::log_level::info) return colour_of(record.level);
    if (record.message.starts_with("Done.")) return "\033[32m";      // green
    if (record.message.starts_with("Restarted")) return "\033[36m";  // cyan
    return "";
}

std::string utc_time(std::chrono::system_clock::time_point when) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
    const std::time_t seconds = milliseconds / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       milliseconds % 1000);
}

/// Writes all of it. A log reader that is slow slows us down; one that is gone does not.
void write_line(std::string line) {
    line += '\n';
    std::size_t done = 0;
    while (done < line.size()) {
        const auto written = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        done += static_cast<std::size_t>(written);
    }
}

}  // namespace

void set_up_logging(log_format format, mayhem::log_level lowest) {
    mayhem::set_log_level(lowest);
    const bool coloured = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    mayhem::set_log_sink([format, coloured](const mayhem::log_record& record) {
        write_line(format == log_format::json ? format_json(record)
                                              : format_text(record, coloured));
    });
}

std::string format_text(const mayhem::log_record& record, bool coloured) {
    const std::string text = fmt::format("{} {}: {}", mayhem::format_log_time(record.when),
                                         mayhem::to_string(record.level), record.message);
    const char* colour = coloured ? colour_of(record) : "";
    return *colour == '\0' ? text : colour + text + "\033[0m";
}

std::string format_json(const mayhem::log_record& record) {
    const nlohmann::ordered_json line{{"time", utc_time(record.when)},
                                      {"level", mayhem::to_string(record.level)},
                                      {"message", record.message}};
    // Whatever bytes a request brought along: invalid UTF-8 is replaced, never thrown at.
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace mandrill
