#include "mandrill/cli/values.hpp"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <stdexcept>
#include <unistd.h>

namespace mandrill::cli {
namespace {

/// The number that `text` begins with; `rest` gets what follows it.
double leading_number(const std::string& text, std::string& rest, const char* expected) {
    std::size_t length = 0;
    double value = 0;
    try {
        value = std::stod(text, &length);
    } catch (const std::exception&) {
        length = 0;
    }
    if (length == 0 || !std::isfinite(value) || value < 0) {
        throw std::invalid_argument(fmt::format("'{}' is not {}", text, expected));
    }
    rest = text.substr(length);
    return value;
}

}  // namespace

std::chrono::nanoseconds parse_duration(const std::string& text) {
    constexpr const char* expected = "a duration like 10s, 500ms, 2m or 1h";
    std::string unit;
    const double value = leading_number(text, unit, expected);
    double seconds = 0;
    if (unit == "s" || (unit.empty() && value == 0)) {
        seconds = value;
    } else if (unit == "ms") {
        seconds = value / 1000;
    } else if (unit == "m") {
        seconds = value * 60;
    } else if (unit == "h") {
        seconds = value * 3600;
    } else {
        throw std::invalid_argument(fmt::format("'{}' is not {}", text, expected));
    }
    constexpr double seconds_max = 1e9;  // thirty years
    if (seconds > seconds_max) throw std::invalid_argument(fmt::format("'{}' is too long", text));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

double parse_rate(const std::string& text) {
    constexpr const char* expected = "a rate like 2/s, 30/m or 0";
    std::string unit;
    double rate = leading_number(text, unit, expected);
    if (unit == "/m") {
        rate /= 60;
    } else if (unit == "/h") {
        rate /= 3600;
    } else if (unit != "/s" && !unit.empty()) {
        throw std::invalid_argument(fmt::format("'{}' is not {}", text, expected));
    }
    // The pause between two requests has to be one that a timer can keep.
    constexpr double rate_max = 1e6;
    constexpr double rate_min = 1e-9;  // in thirty years
    if (rate > rate_max) throw std::invalid_argument(fmt::format("'{}' is too often", text));
    if (rate > 0 && rate < rate_min) {
        throw std::invalid_argument(fmt::format("'{}' is too seldom; 0 is never", text));
    }
    return rate;
}

std::filesystem::path default_state_directory() {
    if (const char* own = std::getenv("MANDRILL_STATE"); own != nullptr && *own != '\0') {
        return own;
    }
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
        return std::filesystem::path(state) / "mandrill";
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
        return std::filesystem::path(home) / ".local/state/mandrill";
    }
    return fmt::format("/var/tmp/mandrill-{}", ::getuid());
}

std::string format_time(std::int64_t epoch_milliseconds) {
    const std::time_t seconds = epoch_milliseconds / 1000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", local.tm_year + 1900,
                       local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                       epoch_milliseconds % 1000);
}

}  // namespace mandrill::cli
