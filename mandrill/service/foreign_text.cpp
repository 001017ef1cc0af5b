#include "mandrill/service/foreign_text.hpp"

#include <fmt/format.h>

namespace mandrill {

namespace {

/// Longer than any honest name, shorter than a line of a terminal.
constexpr std::size_t length_max = 64;

}  // namespace

std::string in_quotes(std::string_view text) {
    if (text.size() <= length_max) return fmt::format("{:?}", text);
    return fmt::format("{:?}... ({} bytes)", text.substr(0, length_max), text.size());
}

std::string readable(std::string_view text) {
    std::string escaped = fmt::format("{:?}", text);
    const bool harmless = escaped.size() == text.size() + 2;  // nothing came in but the quotes
    return harmless ? std::string(text) : escaped;
}

}  // namespace mandrill
