// The text of a stall: what the watchdog's handler wrote down, for people.
#pragma once

#include <cstddef>
#include <string>

#include "loop/clock.hpp"
#include "loop/stall_watchdog.hpp"

namespace mayhem::detail {

/// @param snapshot null when the loop's thread did not answer
/// @param swallowed how many reports the limit has swallowed before this one
[[nodiscard]] std::string format_stall(const stall_snapshot* snapshot, duration lasted,
                                       std::size_t swallowed);

}  // namespace mayhem::detail
