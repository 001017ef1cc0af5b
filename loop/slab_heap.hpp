// Where recycled blocks come from: slabs, each cut into blocks of one size.
//
// Problem: malloc costs a new block twenty nanoseconds and sixteen bytes, and bursts of tasks want
// many at once.
// Solution: slabs, which grow with what their size already has in the process, from 16 KiB to
// 256 KiB, so that of a size that grows at most half is not in use yet (and a slab for each thread
// that uses the size). Their pages are touched only as blocks are cut.
//
//   slab:   [ header | block | block | block ... | not cut yet ]
//                        \______/ free ones are linked, and the slab counts those outside
//
// A slab whose last block comes back is freed. To find a block's slab, all slabs are kept in the
// order of their addresses; blocks that lie in none are operator new's and are deleted.
//
// Each thread has slabs of its own. Blocks are written at every step of a task: where two threads'
// lie in one cache line, or so near that the processor fetches one thread's with the other's, the
// lines wander between the processors, and both threads take up to twice as long. What a thread
// leaves behind at its end goes to the next that wants such blocks.
//
// One lock guards everything: threads come here for many blocks at a time, and seldom.
#pragma once

#include <cstddef>

#include "loop/recycling_allocator.hpp"

namespace mayhem::detail {

/// Free blocks of one size, linked.
struct block_chain {
    free_block* first = nullptr;
    std::size_t count = 0;
};

namespace slab_heap {

/// Up to `wanted` blocks of a size, which has the number `kind`; null when there is no memory.
[[nodiscard]] block_chain take(std::size_t kind, std::size_t size, std::size_t wanted) noexcept;

/// Takes blocks back, of any sizes and of any thread's slabs.
void give(free_block* first) noexcept;

/// Gives up what the calling thread owns, at its end. It may still give blocks back.
void leave() noexcept;

/// How large all slabs are, together.
[[nodiscard]] std::size_t bytes() noexcept;

}  // namespace slab_heap

}  // namespace mayhem::detail
