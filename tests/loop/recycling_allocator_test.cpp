// Memory of a thread's own: what is left of it when the thread ends.
#include "loop/recycling_allocator.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace {

using namespace mayhem::detail;

TEST(recycling_allocator, a_thread_that_ends_gives_its_stock_back) {
    const std::size_t before = live_blocks();
    std::thread([] {
        std::vector<void*> blocks;
        for (int i = 0; i < 100; ++i) blocks.push_back(allocate(200));
        for (void* block : blocks) deallocate(block, 200);
    }).join();
    EXPECT_EQ(live_blocks(), before);
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

TEST(recycling_allocator, a_stock_that_is_released_is_empty) {
    const std::size_t before = live_blocks();
    for (std::size_t size = 100; size < 2000; ++size) deallocate(allocate(size), size);
    release_stock();
    EXPECT_EQ(live_blocks(), before);
}

}  // namespace
