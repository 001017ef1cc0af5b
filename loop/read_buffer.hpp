// Memory for bytes that are about to be read, taken when they are there and not before: a thousand
// connections that wait hold none.
//
// Buffers have one size. Each thread keeps some that were given back, so that a busy loop asks the
// allocator for none; a burst gives its memory back. A buffer may be given back on any thread.
//
// It refuses to run dry: when nothing is in stock, the allocator is asked, and only when that has
// no memory the read fails, with ENOMEM and with its bytes still in the kernel.
#pragma once

#include <cstddef>

namespace mayhem::detail {

/// What one read brings at most. Large enough that bulk traffic is not cut into small calls.
inline constexpr std::size_t read_buffer_bytes = std::size_t{16} << 10;

/// How many a thread keeps at most, for the tasks that hold what they have read while they wait for
/// something else. A loop whose tasks do not needs one.
inline constexpr std::size_t read_buffers_kept = 64;

/// Null when there is no memory.
[[nodiscard]] std::byte* take_read_buffer() noexcept;
void give_read_buffer(std::byte* buffer) noexcept;

/// Buffers that this thread took, less those that it gave back. For tests.
[[nodiscard]] long read_buffers_taken() noexcept;

}  // namespace mayhem::detail
