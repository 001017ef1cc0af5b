// Slabs, and how they are found again by their blocks' addresses.
#include "loop/slab_heap.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>
#include <numeric>
#include <pthread.h>
#include <utility>
#include <vector>

#include "loop/intrusive_list.hpp"

namespace mayhem::detail {
namespace {

constexpr std::size_t smallest_slab = std::size_t{16} << 10;
constexpr std::size_t largest_slab = std::size_t{256} << 10;

/// The head of a slab, at its begin.
class alignas(64) slab : public list_hook<> {
  public:
    slab(std::size_t bytes, std::size_t kind, std::size_t size) noexcept
        : bytes_(bytes), kind_(kind), size_(size), uncut_(begin()) {}

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_unused() const noexcept { return outside_ == 0; }
    [[nodiscard]] bool is_exhausted() const noexcept {
        return free_ == nullptr && uncut_ + size_ > end();
    }
    [[nodiscard]] bool contains(const void* block) const noexcept {
        const auto* at = static_cast<const std::byte*>(block);
        return at >= begin() && at < end();
    }

    /// REQUIRES: not exhausted.
    free_block* take() noexcept {
        ++outside_;
        if (free_ != nullptr) return std::exchange(free_, free_->next);
        void* const block = uncut_;
        uncut_ += size_;
        return ::new (block) free_block{nullptr};
    }
    void give(free_block* block) noexcept {
        --outside_;
        block->next = free_;
        free_ = block;
    }

  private:
    [[nodiscard]] std::byte* begin() const noexcept {
        return reinterpret_cast<std::byte*>(const_cast<slab*>(this) + 1);
    }
    [[nodiscard]] const std::byte* end() const noexcept {
        return reinterpret_cast<const std::byte*>(this) + bytes_;
    }

    std::size_t bytes_;
    std::size_t kind_;
    std::size_t size_;         // of a block
    std::size_t outside_ = 0;  // blocks
    free_block* free_ = nullptr;
    std::byte* uncut_;  // from here on there are no blocks yet
};

// Not operator new: where memory is short it calls the program's new_handler, which may free
// blocks, and that would wait for the lock that is held here. Who gets no slab asks operator new
// for a block.
void* from_system(std::size_t bytes) noexcept { return std::aligned_alloc(alignof(slab), bytes); }

void to_system(void* memory) noexcept { std::free(memory); }

/// The same for the list of slabs.
template <typename T>
struct system_memory {
    using value_type = T;
    T* allocate(std::size_t count) {
        void* const memory = std::malloc(count * sizeof(T));
        if (memory == nullptr) throw std::bad_alloc();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }
    bool operator==(const system_memory&) const = default;
};

/// All slabs of the process.
class heap {
  public:
    heap() noexcept {
        // A child that is forked while another thread is in here would find it locked for ever.
        ::pthread_atfork([] { the().mutex_.lock(); }, [] { the().mutex_.unlock(); },
                         [] { the().mutex_.unlock(); });
    }

    /// Never destroyed: what other threads and static objects free last comes back here.
    static heap& the() noexcept {
        alignas(heap) static std::byte memory[sizeof(heap)];
        static heap* const made = ::new (memory) heap;
        return *made;
    }

    block_chain take(std::size_t kind, std::size_t size, std::size_t wanted) noexcept {
        const std::lock_guard lock(mutex_);
        block_chain chain;
        free_block** last = &chain.first;
        while (chain.count < wanted) {
            slab* from = with_room_[kind].front();
            // Only as much as is there already, unless nothing is.
            if (from == nullptr && chain.count == 0) from = grow(kind, size);
            if (from == nullptr) break;
            while (chain.count < wanted && !from->is_exhausted()) {
                *last = from->take();
                last = &(*last)->next;
                ++chain.count;
            }
            if (from->is_exhausted()) with_room_[kind].remove(*from);
        }
        *last = nullptr;
        return chain;
    }

    void give(free_block* block) noexcept {
        const std::lock_guard lock(mutex_);
        slab* found = nullptr;  // neighbours in a chain are mostly neighbours in a slab
        while (block != nullptr) {
            free_block* const next = block->next;
            if (found == nullptr || !found->contains(block)) found = find(block);
            if (found == nullptr) {
                ::operator delete(block);
            } else {
                if (found->is_exhausted()) with_room_[found->kind()].push_front(*found);
                found->give(block);
                if (found->is_unused()) release(*std::exchange(found, nullptr));
            }
            block = next;
        }
    }

    [[nodiscard]] std::size_t bytes() noexcept {
        const std::lock_guard lock(mutex_);
        return std::accumulate(bytes_.begin(), bytes_.end(), std::size_t{0});
    }

  private:
    slab* grow(std::size_t kind, std::size_t size) noexcept {
        const std::size_t bytes = std::clamp(bytes_[kind], smallest_slab, largest_slab);
        void* const memory = from_system(bytes);
        if (memory == nullptr) return nullptr;
        auto* const made = ::new (memory) slab(bytes, kind, size);
        try {
            slabs_.insert(std::ranges::upper_bound(slabs_, made), made);
        } catch (const std::bad_alloc&) {
            made->~slab();
            to_system(memory);
            return nullptr;
        }
        with_room_[kind].push_front(*made);
        bytes_[kind] += bytes;
        return made;
    }

    slab* find(const void* block) const noexcept {
        const auto after = std::ranges::upper_bound(
            slabs_, block, {}, [](const slab* one) { return static_cast<const void*>(one); });
        if (after == slabs_.begin()) return nullptr;
        slab* const before = *std::prev(after);
        return before->contains(block) ? before : nullptr;
    }

    void release(slab& unused) noexcept {
        with_room_[unused.kind()].remove(unused);
        slabs_.erase(std::ranges::lower_bound(slabs_, &unused));
        bytes_[unused.kind()] -= unused.bytes();
        unused.~slab();
        to_system(&unused);
    }

    std::mutex mutex_;
    std::vector<slab*, system_memory<slab*>> slabs_;  // by address
    std::array<intrusive_list<slab>, block_classes> with_room_;
    std::array<std::size_t, block_classes> bytes_{};
};

// Made before main begins, so that no other thread forks while one is making it.
[[maybe_unused]] const heap& made_early = heap::the();

}  // namespace

namespace slab_heap {

block_chain take(std::size_t kind, std::size_t size, std::size_t wanted) noexcept {
    return heap::the().take(kind, size, wanted);
}

void give(free_block* first) noexcept { heap::the().give(first); }

std::size_t bytes() noexcept { return heap::the().bytes(); }

}  // namespace slab_heap
}  // namespace mayhem::detail
