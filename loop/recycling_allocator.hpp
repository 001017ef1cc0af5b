// Memory for coroutine frames, task states and callbacks: blocks that are freed and wanted again
// within microseconds, in a handful of sizes.
//
// A free list per thread and size class answers both without touching the general allocator; it
// is bounded, so a burst of a million tasks gives its memory back. Blocks are plain operator new
// blocks: one that is freed on another thread simply joins that thread's list.
//
// Under AddressSanitizer and ThreadSanitizer this is plain new and delete, because a recycled
// block would hide exactly the errors that they look for.
#pragma once

#include <cstddef>

namespace mayhem::detail {

/// A block of at least `size` bytes, aligned for any ordinary type. Throws std::bad_alloc.
[[nodiscard]] void* allocate(std::size_t size);

/// The same, or null when there is no memory.
[[nodiscard]] void* allocate_nothrow(std::size_t size) noexcept;

/// Returns a block; `size` must be what was asked for.
void deallocate(void* block, std::size_t size) noexcept;

/// How many blocks are handed out now: frames, tasks, futures, callbacks. Exact while no other
/// thread has blocks of its own in stock. For leak checks.
[[nodiscard]] std::size_t live_blocks() noexcept;

/// Gives this thread's stock of free blocks back, so that what comes next asks operator new.
void release_stock() noexcept;

/// Base of objects that live in recycled blocks.
struct recycled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

}  // namespace mayhem::detail
