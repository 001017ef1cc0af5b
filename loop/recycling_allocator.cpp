#include "loop/recycling_allocator.hpp"

#include <atomic>
#include <limits>
#include <new>

#include "loop/slab_heap.hpp"

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

#ifdef MAYHEM_PLAIN_ALLOCATOR
constexpr bool is_plain = true;
#else
constexpr bool is_plain = false;
#endif

constexpr std::size_t bytes_per_class_max = std::size_t{4} << 20;
constexpr std::size_t bytes_taken = 4096;  // at once, from the slabs: one page, one page fault
constexpr std::size_t blocks_given = 64;   // at once, back to the slabs

constexpr std::size_t size_of(std::size_t kind) noexcept { return (kind + 1) * block_granularity; }
constexpr std::ptrdiff_t limit_of(std::size_t kind) noexcept {
    return static_cast<std::ptrdiff_t>(bytes_per_class_max / size_of(kind));
}

// The ends of the lists: of a thread that keeps no blocks, and of one that does.
constexpr free_block end_without_room{nullptr, 0};
constexpr auto ends_of_lists = [] {
    std::array<free_block, block_classes> ends{};
    for (std::size_t kind = 0; kind < block_classes; ++kind) ends[kind].room = limit_of(kind);
    return ends;
}();
constexpr auto lists_without_room = [] {
    std::array<free_block*, block_classes> lists{};
    lists.fill(const_cast<free_block*>(&end_without_room));  // nobody writes to the end of a list
    return lists;
}();

// Blocks that are handed out, or in somebody's stock. Only the slow paths count, and only as a
// number: it orders nothing.
std::atomic<std::size_t> blocks_outside{0};

void count_out(std::size_t blocks) noexcept {
    blocks_outside.fetch_add(blocks, std::memory_order_relaxed);
}
void count_in(std::size_t blocks) noexcept {
    blocks_outside.fetch_sub(blocks, std::memory_order_relaxed);
}

void* from_heap(std::size_t size) {
    void* block = ::operator new(size);
    count_out(1);
    return block;
}

void to_heap(void* block) noexcept {
    if (block == nullptr) return;
    count_in(1);
    ::operator delete(block);
}

/// Gives up to `count` blocks of `list` back.
void shrink(free_block*& list, std::size_t count) noexcept {
    free_block* const first = list;
    free_block* last = nullptr;
    std::size_t given = 0;
    for (; given < count && list->next != nullptr; ++given) {
        last = list;
        list = last->next;
    }
    if (last == nullptr) return;
    last->next = nullptr;
    count_in(given);
    slab_heap::give(first);
}

enum class stock_state : unsigned char { not_yet, kept, suspended, ended };
constinit thread_local stock_state own_state = stock_state::not_yet;

void open_stock() noexcept {
    own_state = stock_state::kept;
    for (std::size_t kind = 0; kind < block_classes; ++kind) {
        own_blocks[kind] = const_cast<free_block*>(&ends_of_lists[kind]);
    }
}

void close_stock(stock_state state) noexcept {
    release_stock();
    own_state = state;
    own_blocks = lists_without_room;
}

/// Gives the stock back when its thread ends, and sees to it that nothing is kept after that.
struct stock_keeper {
    stock_keeper() noexcept { open_stock(); }
    stock_keeper(const stock_keeper&) = delete;
    stock_keeper& operator=(const stock_keeper&) = delete;
    ~stock_keeper() {
        close_stock(stock_state::ended);
        slab_heap::leave();
    }
};

/// @returns false when this thread must not keep blocks.
bool keeps_stock() noexcept {
    if (is_plain) return false;
    if (own_state == stock_state::not_yet) thread_local const stock_keeper keeper;
    return own_state == stock_state::kept;
}

}  // namespace

constinit thread_local std::array<free_block*, block_classes> own_blocks = lists_without_room;

void* allocate_slowly(std::size_t size) {
    if (!is_recycled(size)) return from_heap(size);
    const std::size_t kind = block_class(size);
    // Under a sanitizer not a byte more than is asked for, so that it sees what goes beyond.
    if (!keeps_stock()) return from_heap(is_plain ? size : size_of(kind));
    block_chain taken = slab_heap::take(kind, size_of(kind), bytes_taken / size_of(kind));
    // Where there is no room for a slab, there may be for a block; `give` knows whose it is.
    if (taken.first == nullptr) return from_heap(size_of(kind));
    count_out(taken.count);
    free_block*& list = own_blocks[kind];  // at its end
    std::ptrdiff_t room = list->room - static_cast<std::ptrdiff_t>(taken.count);
    free_block** link = &taken.first;
    for (; *link != nullptr; link = &(*link)->next) (*link)->room = room++;
    *link = list;
    list = taken.first->next;
    return taken.first;
}

void deallocate_slowly(void* block, std::size_t size) noexcept {
    if (!is_recycled(size) || is_plain) return to_heap(block);
    if (!keeps_stock()) {
        count_in(1);
        return slab_heap::give(::new (block) free_block{});
    }
    free_block*& list = own_blocks[block_class(size)];
    if (list->room == 0) shrink(list, blocks_given);
    deallocate(block, size);
}

std::size_t live_blocks() noexcept {
    std::size_t in_stock = 0;
    if (own_state == stock_state::kept) {
        for (std::size_t kind = 0; kind < block_classes; ++kind) {
            in_stock += static_cast<std::size_t>(limit_of(kind) - own_blocks[kind]->room);
        }
    }
    return blocks_outside.load(std::memory_order_relaxed) - in_stock;
}

void release_stock() noexcept {
    for (free_block*& list : own_blocks) shrink(list, std::numeric_limits<std::size_t>::max());
}

without_recycling::without_recycling() noexcept : is_outermost_(keeps_stock()) {
    if (is_outermost_) close_stock(stock_state::suspended);
}

without_recycling::~without_recycling() {
    if (is_outermost_) open_stock();
}

}  // namespace mayhem::detail
