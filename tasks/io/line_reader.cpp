#include "tasks/io/line_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

namespace mayhem::detail {
namespace {

constexpr std::size_t portion_bytes = std::size_t{16} * 1024;

[[noreturn]] void throw_too_long(std::size_t bound) {
    throw std::system_error(stream_errc::line_too_long, fmt::format("more than {} bytes", bound));
}

}  // namespace

void line_buffer::drop(std::size_t count) noexcept {
    begin_ += count;
    searched_ = 0;
    if (begin_ == end_) begin_ = end_ = 0;
}

std::optional<std::string> line_buffer::take_until(std::string_view delimiter) {
    if (!skip_refused_part()) return std::nullopt;
    if (delimiter != delimiter_) {
        delimiter_ = delimiter;
        searched_ = 0;
    }
    const std::size_t at = text().find(delimiter, searched_);
    if (at != std::string_view::npos) {
        if (at <= part_bytes_max_) return take(at + delimiter.size());
        drop(at + delimiter.size());
        throw_too_long(part_bytes_max_);
    }
    searched_ = size() - beginning_of_delimiter();
    if (searched_ <= part_bytes_max_) return std::nullopt;
    drop(searched_);
    skipping_ = true;
    throw_too_long(part_bytes_max_);
}

bool line_buffer::skip_refused_part() {
    if (!skipping_) return true;
    const std::size_t at = text().find(delimiter_);
    skipping_ = at == std::string_view::npos;
    drop(skipping_ ? size() - beginning_of_delimiter() : at + delimiter_.size());
    return !skipping_;
}

/// The delimiter may have come in part: its beginning is looked at again.
std::size_t line_buffer::beginning_of_delimiter() const noexcept {
    return std::min(size(), delimiter_.size() - 1);
}

std::optional<std::string> line_buffer::take_exactly(std::size_t count) {
    if (!skip_refused_part() || size() < count) return std::nullopt;
    return take(count);
}

std::string line_buffer::take(std::size_t count) {
    std::string taken(text().substr(0, count));
    drop(taken.size());
    return taken;
}

std::string line_buffer::take_rest() {
    if (!skip_refused_part()) drop(size());
    return take(size());
}

std::span<std::byte> line_buffer::room() {
    if (begin_ > 0) {
        std::copy(bytes_.data() + begin_, bytes_.data() + end_, bytes_.data());
        end_ -= begin_;
        begin_ = 0;
    }
    if (bytes_.size() < end_ + portion_bytes) bytes_.resize(end_ + portion_bytes);
    return std::as_writable_bytes(std::span(bytes_)).subspan(end_);
}

void throw_end_of_stream(std::size_t wanted, std::size_t came) {
    const std::string what = wanted == 0 ? fmt::format("{} bytes came, but no delimiter", came)
                                         : fmt::format("{} of {} bytes came", came, wanted);
    throw std::system_error(stream_errc::end_of_stream, what);
}

}  // namespace mayhem::detail
