// Slabs, and how they are found again by their blocks' addresses.
#include "loop/slab_heap.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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

constexpr std::size_t cache_line = 64;

// What malloc puts before a slab that it takes from the kernel, made a whole line: slabs are so
// much shorter, and then fill their pages, instead of touching one more.
constexpr std::size_t before_slab = cache_line;

class slab;

/// The slabs of one thread that have room, by the kind of their blocks.
struct slab_owner {
    std::array<intrusive_list<slab>, block_classes> with_room;
};

/// The head of a slab, at its begin.
class alignas(cache_line) slab : public list_hook<> {
  public:
    slab(std::size_t bytes, std::size_t kind, std::size_t size) noexcept
        : bytes_(bytes),
          kind_(static_cast<std::uint32_t>(kind)),
          size_(static_cast<std::uint32_t>(size)),
          uncut_(begin()) {}

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
    [[nodiscard]] bool belongs_to(const slab_owner& one) const noexcept { return owner_ == &one; }
    void belong_to(slab_owner& one) noexcept { owner_ = &one; }
    /// The list to be in while there is room.
    [[nodiscard]] intrusive_list<slab>& home() const noexcept { return owner_->with_room[kind_]; }

    /// REQUIRES: not exhausted.
    free_block* take() noexcept {
        ++outside_;
        if (free_ != nullptr) return std::exchange(free_, free_->next);
        void* const block = uncut_;
        uncut_ += size_;
        return ::new (block) free_block{};
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
    std::uint32_t kind_;
    std::uint32_t size_;  // of a block
    slab_owner* owner_ = nullptr;
    std::size_t outside_ = 0;  // blocks
    free_block* free_ = nullptr;
    std::byte* uncut_;  // from here on there are no blocks yet
};
static_assert(sizeof(slab) == cache_line);

/// What the calling thread owns, once it has taken blocks.
constinit thread_local slab_owner* own_slabs = nullptr;

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
        slab_owner& owner = this_thread();
        block_chain chain;
        free_block** last = &chain.first;
        while (chain.count < wanted) {
            slab* from = owner.with_room[kind].front();
            if (from == nullptr) from = adopt(owner, kind);
            // Only as much as is there already, unless nothing is.
            if (from == nullptr && chain.count == 0) from = grow(owner, kind, size);
            if (from == nullptr) break;
            while (chain.count < wanted && !from->is_exhausted()) {
                *last = from->take();
                last = &(*last)->next;
                ++chain.count;
            }
            if (from->is_exhausted()) from->unlink();
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
                if (found->is_exhausted()) found->home().push_front(*found);
                found->give(block);
                if (found->is_unused()) release(*std::exchange(found, nullptr));
            }
            block = next;
        }
    }

    void leave() noexcept {
        if (own_slabs == nullptr) return;
        const std::lock_guard lock(mutex_);
        slab_owner* const leaving = std::exchange(own_slabs, nullptr);
        for (slab* each : slabs_) {
            if (!each->belongs_to(*leaving)) continue;
            each->belong_to(nobody_);
            if (!each->is_linked()) continue;
            each->unlink();
            each->home().push_back(*each);
        }
        leaving->~slab_owner();
        to_system(leaving);
    }

    [[nodiscard]] std::size_t bytes() noexcept {
        const std::lock_guard lock(mutex_);
        return std::accumulate(bytes_.begin(), bytes_.end(), std::size_t{0});
    }

  private:
    /// A thread for which there is no memory shares what nobody owns.
    slab_owner& this_thread() noexcept {
        if (own_slabs != nullptr) return *own_slabs;
        void* const memory = from_system(sizeof(slab_owner));
        if (memory == nullptr) return nobody_;
        return *(own_slabs = ::new (memory) slab_owner);
    }

    /// A slab that a thread left behind; null when there is none.
    slab* adopt(slab_owner& owner, std::size_t kind) noexcept {
        slab* const found = nobody_.with_room[kind].pop_front();
        if (found == nullptr) return nullptr;
        found->belong_to(owner);
        found->home().push_front(*found);
        return found;
    }

    slab* grow(slab_owner& owner, std::size_t kind, std::size_t size) noexcept {
        // As much again as there is of this kind.
        const std::size_t of_kind = (bytes_[kind] + smallest_slab - 1) & ~(smallest_slab - 1);
        const std::size_t bytes = std::clamp(of_kind, smallest_slab, largest_slab) - before_slab;
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
        made->belong_to(owner);
        made->home().push_front(*made);
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
        unused.unlink();
        slabs_.erase(std::ranges::lower_bound(slabs_, &unused));
        bytes_[unused.kind()] -= unused.bytes();
        unused.~slab();
        to_system(&unused);
    }

    std::mutex mutex_;
    std::vector<slab*, system_memory<slab*>> slabs_;  // by address
    slab_owner nobody_;                               // of threads that have ended
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

void leave() noexcept { heap::the().leave(); }

std::size_t bytes() noexcept { return heap::the().bytes(); }

}  // namespace slab_heap
}  // namespace mayhem::detail
