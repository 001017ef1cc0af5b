// Counts how often this program asks for memory: it stands before malloc, so that C libraries are
// counted as C++ ones are, and every competitor pays the same nanosecond for it.
//
// Each thread counts in a slot of its own: a shared counter would cost more than what is counted.
// The allocator behind is glibc's, which calls itself by these names for that purpose.

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>

#include "bench/support/bench.hpp"

extern "C" {
// The C library's own names, which no header declares.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct alignas(64) slot {
    std::atomic<std::uint64_t> count{0};
};

// More threads than slots share one, and may then lose a count.
constexpr std::size_t slot_count = 32;
constinit std::array<slot, slot_count> slots;
constinit std::atomic<std::size_t> next_slot{0};
constinit thread_local std::atomic<std::uint64_t>* own_count = nullptr;

void count() noexcept {
    if (own_count == nullptr) {
        own_count = &slots[next_slot.fetch_add(1, std::memory_order_relaxed) % slot_count].count;
    }
    own_count->store(own_count->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

namespace bench {

std::uint64_t allocations() noexcept {
    std::uint64_t sum = 0;
    for (const slot& one : slots) sum += one.count.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace bench

extern "C" {

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
    count();
    return __libc_calloc(number, size);
}

void* realloc(void* block, std::size_t size) {
    count();
    return __libc_realloc(block, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
    count();
    *block = __libc_memalign(alignment, size);
    return *block == nullptr ? ENOMEM : 0;
}
}
