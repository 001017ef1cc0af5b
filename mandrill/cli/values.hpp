// The values of command-line options: durations, rates, and where state is kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace mandrill::cli {

/// How the program ends, as sysexits.h has it.
enum exit_code : int {
    ok = 0,
    usage = 64,        ///< the command line is wrong
    bad_data = 65,     ///< the service refused the request
    unavailable = 69,  ///< the database, the fleet or the service cannot be had
    internal = 70,     ///< a bug, or messages in an illegal state
    cut_off = 75,      ///< work was cut short; it will be taken up by the next run
};

/// "10s", "500ms", "2m", "1h". Throws std::invalid_argument with a sentence for the user.
[[nodiscard]] std::chrono::nanoseconds parse_duration(const std::string& text);

/// "2/s", "30/m", "0", "0.5": per second, up to a million. Throws std::invalid_argument likewise.
[[nodiscard]] double parse_rate(const std::string& text);

/// $MANDRILL_STATE, or $XDG_STATE_HOME/mandrill, or ~/.local/state/mandrill.
[[nodiscard]] std::filesystem::path default_state_directory();

/// `2026-05-01 13:15:31.250` in local time.
[[nodiscard]] std::string format_time(std::int64_t epoch_milliseconds);

}  // namespace mandrill::cli
