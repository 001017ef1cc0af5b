// How many threads this process has that could ever call into a loop: the deadlock report has to
// know whether somebody else may still wake it, and leak checks whether somebody was left behind.
#pragma once

#include <cstddef>

namespace mayhem::detail {

/// Counts the threads of this process, without those that the kernel keeps for io_uring (they show
/// up beside ours for some seconds after a file operation), those that are just ending, and the
/// sanitizer's own: none of them runs our code.
[[nodiscard]] std::size_t count_threads() noexcept;

}  // namespace mayhem::detail
