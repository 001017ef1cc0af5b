// The errors of streams that the kernel has no number for.
#pragma once

#include <system_error>

namespace mayhem {

enum class stream_errc {
    end_of_stream = 1,  ///< it ended before everything that was asked for had come
    line_too_long,      ///< a line, or a part up to a delimiter, is longer than its bound
};

/// The category "stream".
[[nodiscard]] const std::error_category& stream_category() noexcept;

/// Found by std::error_code's constructor: `error.code() == stream_errc::end_of_stream` works.
[[nodiscard]] inline std::error_code make_error_code(stream_errc code) noexcept {
    return {static_cast<int>(code), stream_category()};
}

}  // namespace mayhem

template <>
struct std::is_error_code_enum<mayhem::stream_errc> : std::true_type {};
