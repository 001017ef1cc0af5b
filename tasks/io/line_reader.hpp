// Lines and other delimited parts, read from any stream that has `read_some`; asyncio's readline
// and readuntil.
//
// Reading a stream in lines needs a buffer, because the kernel's portions end anywhere. It lives in
// the reader and not in the calls: what a cancelled read_line had received is there for the next
// one, so a cancellation (a timeout, a shutdown) loses nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tasks/coro/coro.hpp"
#include "tasks/io/stream_error.hpp"

namespace mayhem {

namespace detail {

/// Bytes that were received and not yet asked for, in one piece.
class line_buffer {
  public:
    explicit line_buffer(std::size_t part_bytes_max) noexcept : part_bytes_max_(part_bytes_max) {}

    /// The next part up to and with `delimiter`, if it is there. @throws std::system_error with
    /// stream_errc::line_too_long, once for each part that is longer than the bound; the rest of
    /// that part is then dropped as it comes.
    [[nodiscard]] std::optional<std::string> take_until(std::string_view delimiter);
    /// `count` bytes, if so many are there behind what `take_until` has refused.
    [[nodiscard]] std::optional<std::string> take_exactly(std::size_t count);
    /// What is there after the stream ended: an unfinished part, or nothing.
    [[nodiscard]] std::string take_rest();

    /// Room for the next portion; `received` says how much of it was filled.
    [[nodiscard]] std::span<std::byte> room();
    void received(std::size_t count) noexcept { end_ += count; }

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }

  private:
    [[nodiscard]] std::string_view text() const noexcept {
        return {bytes_.data() + begin_, end_ - begin_};
    }
    [[nodiscard]] std::string take(std::size_t count);
    void drop(std::size_t count) noexcept;
    /// False as long as the end of a part that was refused has not come.
    bool skip_refused_part();
    [[nodiscard]] std::size_t beginning_of_delimiter() const noexcept;

    std::string bytes_;  // [begin_, end_) is filled, the rest is room
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t searched_ = 0;  // of text(): in so many bytes no `delimiter_` starts
    std::string delimiter_;     // what was searched last
    std::size_t part_bytes_max_;
    bool skipping_ = false;  // in a part that was too long, up to `delimiter_`
};

[[noreturn]] void throw_end_of_stream(std::size_t wanted, std::size_t came);

}  // namespace detail

/// Reads from a stream that outlives it. Neither copyable nor movable, since a read may be filling
/// its buffer. One task at a time.
template <typename Stream>
class line_reader {
  public:
    /// @param part_bytes_max the longest line (without its end) that is accepted
    explicit line_reader(Stream& stream, std::size_t part_bytes_max = std::size_t{64} * 1024)
        : stream_(stream), buffer_(part_bytes_max) {}
    line_reader(const line_reader&) = delete;
    line_reader& operator=(const line_reader&) = delete;

    /// The next line without its "\n" (a "\r" before it stays); the last one need not have an end.
    /// Nothing at the end of the stream. @throws std::system_error with stream_errc::line_too_long
    /// for a line beyond the bound: it is skipped, and the next call gives the next line.
    coro<std::optional<std::string>> read_line() {
        constexpr std::string_view end_of_line = "\n";
        std::optional<std::string> line = co_await next_part(end_of_line);
        if (line && line->ends_with(end_of_line)) line->pop_back();
        co_return line;
    }

    /// The next bytes up to and with `delimiter`. @throws std::system_error: end_of_stream when the
    /// stream ends before it came (what came stays readable by read_exactly), line_too_long
    coro<std::string> read_until(std::string delimiter) {
        for (;;) {
            if (auto part = buffer_.take_until(delimiter)) co_return std::move(*part);
            const bool more = co_await receive();
            if (!more) detail::throw_end_of_stream(0, buffer_.size());
        }
    }

    /// Exactly `count` bytes. @throws std::system_error with stream_errc::end_of_stream when there
    /// are fewer; those stay in the reader.
    coro<std::string> read_exactly(std::size_t count) {
        for (;;) {
            if (auto bytes = buffer_.take_exactly(count)) co_return std::move(*bytes);
            const bool more = co_await receive();
            if (!more) detail::throw_end_of_stream(count, buffer_.size());
        }
    }

    /// How much was received and not yet given out.
    [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size(); }

  private:
    coro<std::optional<std::string>> next_part(std::string_view delimiter) {
        for (;;) {
            if (auto part = buffer_.take_until(delimiter)) co_return part;
            const bool more = co_await receive();
            if (more) continue;
            std::string rest = buffer_.take_rest();
            if (rest.empty()) co_return std::nullopt;
            co_return rest;
        }
    }

    /// Waits for more; false at the end of the stream.
    coro<bool> receive() {
        const std::span<std::byte> room = buffer_.room();
        const std::size_t count = co_await stream_.read_some(room);
        buffer_.received(count);
        co_return count > 0;
    }

    Stream& stream_;
    detail::line_buffer buffer_;
};

}  // namespace mayhem
