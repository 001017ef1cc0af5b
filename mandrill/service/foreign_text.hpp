// Text that strangers wrote, on its way to a log or a terminal. A name with a line feed in it could
// forge a line of the log, and one with an escape sequence could do worse to whoever reads it.
//
// Only what people read passes here: the database and JSON answers keep every byte.
#pragma once

#include <string>
#include <string_view>

namespace mandrill {

/// In quotes, on one line, and shortened when it is long: control characters, invisible ones and
/// bytes that are not UTF-8 are escaped as in C, `"a\nb\x1b\xff"`.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// As it is if it is harmless, otherwise in quotes and escaped. Never shortened.
[[nodiscard]] std::string readable(std::string_view text);

}  // namespace mandrill
