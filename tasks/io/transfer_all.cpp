#include "tasks/io/transfer_all.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace mayhem::detail {
namespace {

// One operation carries at most this much, so that a cancellation never waits for a giant one; and
// so that reader and writer take turns where both are on one processor: what the one wrote is then
// in its cache still when the other reads it, which is twice as fast there. Smaller parts are as
// good for that, but cost more calls: the peer on another processor then pays a fifth more.
constexpr std::size_t chunk_bytes_max = std::size_t{512} << 10;

}  // namespace

transfer_awaiter::transfer_awaiter(descriptor& on, io_use use, std::byte* data,
                                   std::size_t size) noexcept
    : io_awaiter(&on, use), data_(data), size_(size), left_(size) {
    go_in_parts();
    prepare_next();
}

void transfer_awaiter::prepare_next() noexcept {
    const std::span<std::byte> next(data_ + (size_ - left_), std::min(left_, chunk_bytes_max));
    use() == io_use::read ? prepare_reading(*this, *on(), next)
                          : prepare_writing(*this, *on(), next);
}

/// An operation is complete. A cancellation, an error and the end of the stream end it all.
bool transfer_awaiter::continues() noexcept {
    if (result <= 0) return false;
    left_ -= static_cast<std::size_t>(result);
    if (left_ == 0 || was_asked_to_cancel() || has_pending_cancel() || is_refused()) return false;
    prepare_next();
    return true;
}

std::int32_t transfer_awaiter::take_outcome() {
    if (size_ == 0) return 0;
    const std::int32_t last = take_result();
    if (last < 0) return last;
    if (left_ == 0) return 0;
    if (last > 0) throw_if_cancelled(false);  // `take_result` has given the request back
    return ended;
}

void transfer_awaiter::throw_outcome(std::int32_t outcome) const {
    if (outcome != ended) throw_failure(outcome);
    throw std::system_error(stream_errc::end_of_stream,
                            fmt::format("read_exactly: {} of {} bytes came", size_ - left_, size_));
}

}  // namespace mayhem::detail
