// Memory of a thread's own: that blocks are apart, how much is kept, and what is left of it when
// the thread ends.
#include "loop/recycling_allocator.hpp"

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <iterator>
#include <new>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "loop/slab_heap.hpp"

namespace {

using namespace mayhem::detail;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::vector<void*> take(std::size_t count, std::size_t size) {
    std::vector<void*> blocks;
    blocks.reserve(count);
    for (std::size_t number = 0; number < count; ++number) blocks.push_back(allocate(size));
    return blocks;
}

void give(const std::vector<void*>& blocks, std::size_t size) {
    for (void* block : blocks) deallocate(block, size);
}

TEST(recycling_allocator, blocks_of_all_sizes_keep_what_is_written_to_them) {
    struct owned {
        unsigned char* block;
        std::size_t size;
        unsigned char value;
    };
    std::vector<owned> all;
    unsigned char value = 0;
    for (int round = 0; round < 40; ++round) {
        for (std::size_t size = 1; size < 2100; size += 37) {
            auto* block = static_cast<unsigned char*>(allocate(size));
            std::memset(block, ++value, size);
            all.push_back({block, size, value});
            if (all.size() % 3 != 0) continue;
            const owned back = all[all.size() / 2];  // so that old blocks are used again
            all[all.size() / 2] = all.back();
            all.pop_back();
            for (std::size_t at = 0; at < back.size; ++at) ASSERT_EQ(back.block[at], back.value);
            deallocate(back.block, back.size);
        }
    }
    for (const owned& one : all) {
        for (std::size_t at = 0; at < one.size; ++at) ASSERT_EQ(one.block[at], one.value);
        deallocate(one.block, one.size);
    }
}

TEST(recycling_allocator, counts_the_blocks_that_are_handed_out) {
    const std::size_t before = live_blocks();
    const auto small = take(1000, 100);
    const auto large = take(10, 5000);
    EXPECT_EQ(live_blocks(), before + 1010);
    give(small, 100);
    give(large, 5000);
    EXPECT_EQ(live_blocks(), before);
}

TEST(recycling_allocator, a_thread_that_ends_gives_its_stock_back) {
    const std::size_t before = live_blocks();
    const std::size_t slabs_before = slab_heap::bytes();
    std::thread([] { give(take(1000, 1234), 1234); }).join();
    EXPECT_EQ(live_blocks(), before);
    EXPECT_EQ(slab_heap::bytes(), slabs_before);
}

/// Frees a block when its thread ends.
struct late_owner {
    ~late_owner() { deallocate(block, 64); }
    void* block = nullptr;
};

TEST(recycling_allocator, what_is_freed_after_the_stock_was_given_back_goes_to_the_heap) {
    const std::size_t before = live_blocks();
    std::thread([] {
        thread_local late_owner first;  // made before there is a stock, and destroyed after it
        first.block = allocate(64);
        deallocate(allocate(64), 64);
    }).join();
    EXPECT_EQ(live_blocks(), before);
}

TEST(recycling_allocator, a_block_may_be_freed_by_another_thread) {
    const std::size_t before = live_blocks();
    const std::size_t slabs_before = slab_heap::bytes();
    const auto blocks = take(1000, 1300);
    std::thread([&] { give(blocks, 1300); }).join();
    release_stock();
    EXPECT_EQ(live_blocks(), before);
    EXPECT_LE(slab_heap::bytes(), slabs_before);
}

TEST(recycling_allocator, a_stock_that_is_released_is_empty) {
    const std::size_t before = live_blocks();
    for (std::size_t size = 100; size < 2000; ++size) deallocate(allocate(size), size);
    release_stock();
    EXPECT_EQ(live_blocks(), before);
}

TEST(recycling_allocator, a_burst_gives_its_memory_back_but_for_four_mebibytes) {
    release_stock();
    const std::size_t before = slab_heap::bytes();
    give(take(40 * mebibyte / 1024, 1024), 1024);
    EXPECT_LE(slab_heap::bytes(), before + 5 * mebibyte);  // there are slabs in part
    release_stock();
    EXPECT_EQ(slab_heap::bytes(), before);
}

TEST(recycling_allocator, without_recycling_no_block_comes_from_a_slab) {
    const std::size_t before = live_blocks();
    const auto from_slabs = take(100, 900);
    const std::size_t slabs = slab_heap::bytes();
    std::vector<void*> plain;
    {
        const without_recycling scope;
        plain = take(1000, 900);
        EXPECT_LE(slab_heap::bytes(), slabs);
        give(from_slabs, 900);  // each goes back to where it came from ...
    }
    give(plain, 900);  // ... whenever that is
    release_stock();
    EXPECT_EQ(live_blocks(), before);
}

/// False under sanitizers, too.
bool takes_blocks_from_slabs() {
    release_stock();
    const std::size_t before = slab_heap::bytes();
    void* const block = allocate(901);
    const bool grew = slab_heap::bytes() > before;
    deallocate(block, 901);
    release_stock();
    return grew;
}

TEST(recycling_allocator, without_recycling_nests) {
    const bool usually = takes_blocks_from_slabs();
    {
        const without_recycling outer;
        {
            const without_recycling inner;
        }
        EXPECT_FALSE(takes_blocks_from_slabs());
    }
    EXPECT_EQ(takes_blocks_from_slabs(), usually);
}

// ---- Threads side by side ---------------------------------------------------------------------

using lines = std::set<std::uintptr_t>;

/// Takes blocks in turn with the other thread, as loops do that start together.
lines lines_taken_in_turn(std::barrier<>& turn, bool is_first) {
    constexpr std::size_t size = 208;  // no whole number of cache lines
    lines taken;
    std::vector<void*> blocks;
    for (int round = 0; round < 10; ++round) {
        if (!is_first) turn.arrive_and_wait();
        for (void* const each : take(4096 / size, size)) {
            blocks.push_back(each);
            const auto begin = reinterpret_cast<std::uintptr_t>(each);
            for (auto line = begin / 64; line <= (begin + size - 1) / 64; ++line) {
                taken.insert(line);
            }
        }
        if (is_first) turn.arrive_and_wait();
        turn.arrive_and_wait();
    }
    give(blocks, size);
    return taken;
}

TEST(recycling_allocator, blocks_of_two_threads_share_no_cache_line) {
    if (!takes_blocks_from_slabs()) GTEST_SKIP() << "sanitizers take each block from operator new";
    std::barrier turn(2);
    lines others;
    std::thread other([&] { others = lines_taken_in_turn(turn, false); });
    const lines own = lines_taken_in_turn(turn, true);
    other.join();
    std::vector<std::uintptr_t> shared;
    std::ranges::set_intersection(own, others, std::back_inserter(shared));
    EXPECT_TRUE(shared.empty()) << shared.size() << " lines hold blocks of both";
}

TEST(recycling_allocator, what_a_thread_leaves_behind_is_used_by_the_next) {
    if (!takes_blocks_from_slabs()) GTEST_SKIP() << "sanitizers take each block from operator new";
    constexpr std::size_t size = 1488;
    void* kept = nullptr;
    std::thread([&kept] { kept = allocate(size); }).join();
    const std::size_t slabs = slab_heap::bytes();
    deallocate(allocate(size), size);
    EXPECT_EQ(slab_heap::bytes(), slabs);
    deallocate(kept, size);
    release_stock();
}

// ---- Without memory ---------------------------------------------------------------------------

std::vector<void*> hoard;  // what the handler gives up
rlimit limit_before{};

/// As a program may have one that drops its tasks.
void free_the_hoard() {
    std::set_new_handler(nullptr);
    ::setrlimit(RLIMIT_AS, &limit_before);
    give(hoard, 1024);
    release_stock();
    hoard.clear();
}

/// Lets the process have no more memory than it has, until the handler is called.
void use_memory_up() {
    ::getrlimit(RLIMIT_AS, &limit_before);
    rlimit none = limit_before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_AS, &none);
    std::set_new_handler(free_the_hoard);
}

TEST(recycling_allocator, a_new_handler_may_free_blocks) {
    if (!takes_blocks_from_slabs()) GTEST_SKIP() << "sanitizers need memory of their own";
    constexpr std::size_t enough = 1024 * mebibyte / 2048;
    std::vector<void*> blocks;
    blocks.reserve(enough);
    hoard = take(1000, 1024);
    use_memory_up();
    while (!hoard.empty() && blocks.size() < enough) blocks.push_back(allocate(2048));
    EXPECT_TRUE(hoard.empty()) << "the handler was not called";
    give(blocks, 2048);
    release_stock();
}

}  // namespace
