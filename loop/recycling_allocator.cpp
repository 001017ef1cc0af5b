#include "loop/recycling_allocator.hpp"

#include <array>
#include <atomic>
#include <new>

// tests/valgrind asks for the plain one by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYHEM_PLAIN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAYHEM_PLAIN_ALLOCATOR 1
#endif
#endif

namespace mayhem::detail {
namespace {

// Blocks taken from operator new and not returned to it: handed out, or in somebody's stock. Only
// the slow paths count, and only as a number: it orders nothing.
std::atomic<std::size_t> heap_blocks{0};

void* from_heap(std::size_t size) {
    void* block = ::operator new(size);
    heap_blocks.fetch_add(1, std::memory_order_relaxed);
    return block;
}

void* from_heap_nothrow(std::size_t size) noexcept {
    void* block = ::operator new(size, std::nothrow);
    if (block != nullptr) heap_blocks.fetch_add(1, std::memory_order_relaxed);
    return block;
}

void to_heap(void* block) noexcept {
    if (block != nullptr) heap_blocks.fetch_sub(1, std::memory_order_relaxed);
    ::operator delete(block);
}

}  // namespace

#ifdef MAYHEM_PLAIN_ALLOCATOR

void* allocate(std::size_t size) { return from_heap(size); }
void* allocate_nothrow(std::size_t size) noexcept { return from_heap_nothrow(size); }
void deallocate(void* block, std::size_t) noexcept { to_heap(block); }
std::size_t live_blocks() noexcept { return heap_blocks.load(std::memory_order_relaxed); }
void release_stock() noexcept {}

#else

namespace {

constexpr std::size_t granularity = 64;
constexpr std::size_t class_count = 32;  // blocks up to 2 KiB are recycled
constexpr std::size_t blocks_per_class_max = 4096;

struct free_block {
    free_block* next;
};

struct free_list {
    free_block* first = nullptr;
    std::size_t count = 0;
};

/// A thread's stock. It needs no code to come into being, so that finding it is cheap; what has to
/// be done at the thread's end is the keeper's.
struct thread_cache {
    std::array<free_list, class_count> lists{};
    std::size_t limit = 0;  // blocks of a class; 0 before the first, and when the thread ends
    bool has_ended = false;

    void clear() noexcept {
        for (free_list& list : lists) {
            while (free_block* block = list.first) {
                list.first = block->next;
                to_heap(block);
            }
            list.count = 0;
        }
    }
};

constinit thread_local thread_cache stock;

// A coroutine may move between threads across an await, so the address of the cache is asked for
// anew each time: noinline keeps the compiler from remembering it.
[[gnu::noinline]] thread_cache& cache() noexcept { return stock; }

/// Gives the stock back when its thread ends.
class stock_keeper {
  public:
    stock_keeper() noexcept { cache().limit = blocks_per_class_max; }
    stock_keeper(const stock_keeper&) = delete;
    stock_keeper& operator=(const stock_keeper&) = delete;
    ~stock_keeper() {
        cache().limit = 0;  // a thread's last objects may be freed after this
        cache().has_ended = true;
        cache().clear();
    }
};

/// The list is full, or nobody keeps the stock yet. @returns true when there is room.
[[gnu::noinline]] bool make_room(const free_list& list) noexcept {
    if (cache().has_ended) return false;
    thread_local const stock_keeper keeper;
    return list.count < cache().limit;
}

constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / granularity; }

constexpr std::size_t block_size(std::size_t size) noexcept {
    return (class_of(size) + 1) * granularity;
}

void* take(std::size_t size) noexcept {
    free_list& list = cache().lists[class_of(size)];
    free_block* block = list.first;
    if (block == nullptr) return nullptr;
    list.first = block->next;
    --list.count;
    return block;
}

constexpr bool is_recycled(std::size_t size) noexcept {
    return size != 0 && size <= granularity * class_count;
}

}  // namespace

void* allocate(std::size_t size) {
    if (!is_recycled(size)) return from_heap(size);
    if (void* block = take(size)) return block;
    return from_heap(block_size(size));
}

void* allocate_nothrow(std::size_t size) noexcept {
    if (!is_recycled(size)) return from_heap_nothrow(size);
    if (void* block = take(size)) return block;
    return from_heap_nothrow(block_size(size));
}

void deallocate(void* block, std::size_t size) noexcept {
    if (!is_recycled(size)) return to_heap(block);
    thread_cache& own = cache();
    free_list& list = own.lists[class_of(size)];
    if (list.count >= own.limit && !make_room(list)) [[unlikely]]
        return to_heap(block);
    list.first = new (block) free_block{list.first};
    ++list.count;
}

std::size_t live_blocks() noexcept {
    std::size_t in_stock = 0;
    for (const free_list& list : cache().lists) in_stock += list.count;
    return heap_blocks.load(std::memory_order_relaxed) - in_stock;
}

void release_stock() noexcept { cache().clear(); }

#endif

}  // namespace mayhem::detail
