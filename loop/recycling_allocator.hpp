// Memory for coroutine frames, task states and callbacks: blocks that are freed and wanted again
// within microseconds, in a handful of sizes.
//
// A free list per thread and size class answers both, inline, in a few instructions. Behind the
// lists are the slabs (slab_heap.hpp), from which blocks are cut when a list is empty:
//
//   allocate <--- this thread's list of the size <--- a page's worth at a time <--- slabs
//   deallocate -> this thread's list of the size ---- 64 at a time when full -----> slabs
//
// A thread keeps at most 4 MiB of each size, so that ten thousand tasks at once find their memory
// again. The rest of a burst goes back to its slabs, and a slab whose blocks are all free to where
// it came from: when they are freed about in the order in which they were taken, most of a burst;
// when in random order, the few that are kept hold nearly all slabs, for the next tasks of that
// size on the same thread (and on each thread that has such bursts, as much again). `release_stock`
// and the thread's end give everything back. A block that is freed on another thread simply joins
// that thread's list.
//
// Under AddressSanitizer and ThreadSanitizer each block is a plain operator new's, because a
// recycled one would hide exactly the errors that they look for: the lists then stay empty.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace mayhem::detail {

struct free_block {
    free_block* next;
    std::ptrdiff_t room;  ///< how many more may be kept on top of this one; in a list of a thread
};

inline constexpr std::size_t block_granularity = 16;
static_assert(sizeof(free_block) <= block_granularity);
inline constexpr std::size_t block_classes = 128;  // blocks up to 2 KiB are recycled

// A thread's free blocks of each size. Each list ends in a block that is never handed out, so that
// there is always one to ask for its room: nothing has to be counted.
//
// Needs no code to come into being, so that reaching it is one instruction. A coroutine may be
// resumed by another thread, but what is below is called from it, and ends before it suspends.
extern constinit thread_local std::array<free_block*, block_classes> own_blocks;

[[nodiscard, gnu::cold]] void* allocate_slowly(std::size_t size);
[[gnu::cold]] void deallocate_slowly(void* block, std::size_t size) noexcept;

constexpr bool is_recycled(std::size_t size) noexcept {
    return size - 1 < block_granularity * block_classes;  // 0 wraps around, and is not
}

constexpr std::size_t block_class(std::size_t size) noexcept {
    return (size - 1) / block_granularity;
}

/// A block that this thread has in stock, or null: for who has another way to go then.
[[nodiscard]] inline void* allocate_from_stock(std::size_t size) noexcept {
    if (!is_recycled(size)) return nullptr;
    free_block*& list = own_blocks[block_class(size)];
    free_block* const block = list;
    free_block* const next = block->next;
    if (next == nullptr) [[unlikely]]
        return nullptr;
    list = next;
    return block;
}

/// A block of at least `size` bytes, aligned for any ordinary type. Throws std::bad_alloc.
[[nodiscard]] inline void* allocate(std::size_t size) {
    void* const block = allocate_from_stock(size);
    return block != nullptr ? block : allocate_slowly(size);
}

/// Returns a block; `size` must be what was asked for.
inline void deallocate(void* block, std::size_t size) noexcept {
    if (is_recycled(size)) [[likely]] {
        free_block*& list = own_blocks[block_class(size)];
        if (const std::ptrdiff_t room = list->room - 1; room >= 0) [[likely]] {
            list = ::new (block) free_block{list, room};
            return;
        }
    }
    deallocate_slowly(block, size);
}

/// How many blocks are handed out now: frames, tasks, futures, callbacks. Exact while no other
/// thread has blocks of its own in stock. For leak checks.
[[nodiscard]] std::size_t live_blocks() noexcept;

/// Gives this thread's stock of free blocks back.
void release_stock() noexcept;

/// While one lives, each of this thread's blocks comes from operator new, and goes back to where it
/// came from at once: for tests in which any of them may be the one without memory. They nest.
class without_recycling {
  public:
    without_recycling() noexcept;
    without_recycling(const without_recycling&) = delete;
    without_recycling& operator=(const without_recycling&) = delete;
    ~without_recycling();

  private:
    const bool is_outermost_;
};

/// Base of objects that live in recycled blocks. (What is aligned for more than operator new's
/// blocks are is not recycled.)
struct recycled {
    static void* operator new(std::size_t size) { return allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }

    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return ::operator new(size, alignment);
    }
    static void operator delete(void* block, std::size_t size,
                                std::align_val_t alignment) noexcept {
        ::operator delete(block, size, alignment);
    }
};

}  // namespace mayhem::detail
