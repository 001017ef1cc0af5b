#include "loop/recycling_allocator.hpp"

#include <array>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAYHEM_PLAIN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAYHEM_PLAIN_ALLOCATOR 1
#endif
#endif

namespace mayhem::detail {

#ifdef MAYHEM_PLAIN_ALLOCATOR

void* allocate(std::size_t size) { return ::operator new(size); }
void* allocate_nothrow(std::size_t size) noexcept { return ::operator new(size, std::nothrow); }
void deallocate(void* block, std::size_t size) noexcept { ::operator delete(block, size); }

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

struct thread_cache {
    std::array<free_list, class_count> lists{};
    bool alive = true;

    thread_cache() = default;
    thread_cache(const thread_cache&) = delete;
    thread_cache& operator=(const thread_cache&) = delete;
    ~thread_cache() {
        alive = false;
        for (free_list& list : lists) {
            while (free_block* block = list.first) {
                list.first = block->next;
                ::operator delete(block);
            }
        }
    }
};

// A coroutine may move between threads across an await, so the address of the cache is asked for
// anew each time: noinline keeps the compiler from remembering it.
[[gnu::noinline]] thread_cache& cache() noexcept {
    thread_local thread_cache instance;
    return instance;
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
    if (!is_recycled(size)) return ::operator new(size);
    if (void* block = take(size)) return block;
    return ::operator new(block_size(size));
}

void* allocate_nothrow(std::size_t size) noexcept {
    if (!is_recycled(size)) return ::operator new(size, std::nothrow);
    if (void* block = take(size)) return block;
    return ::operator new(block_size(size), std::nothrow);
}

void deallocate(void* block, std::size_t size) noexcept {
    if (!is_recycled(size)) return ::operator delete(block);
    thread_cache& own = cache();
    free_list& list = own.lists[class_of(size)];
    // A thread's last objects may be freed after its cache was destroyed.
    if (!own.alive || list.count >= blocks_per_class_max) return ::operator delete(block);
    list.first = new (block) free_block{list.first};
    ++list.count;
}

#endif

}  // namespace mayhem::detail
