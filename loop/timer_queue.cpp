#include "loop/timer_queue.hpp"

#include <algorithm>

namespace mayhem {
namespace {

// Below this capacity the array is kept: giving 1.5 kB back is not worth an allocation later.
constexpr std::size_t smallest_capacity = 64;

}  // namespace

void timer_queue::add(timer& item, time_point deadline) {
    MAYHEM_CHECK(!item.is_armed(), "a timer was armed twice");
    const entry added{deadline, next_sequence_++, &item};
    heap_.push_back(added);
    sift_up(heap_.size() - 1, added);
}

void timer_queue::remove(timer& item) noexcept {
    MAYHEM_CHECK(item.is_armed(), "removed a timer that is not armed");
    const std::size_t hole = item.position_;
    item.position_ = timer::nowhere;
    const entry last = heap_.back();
    heap_.pop_back();
    if (hole < heap_.size()) {
        // The last entry fills the hole; it may have to move in either direction.
        if (hole > 0 && last.before(heap_[(hole - 1) / arity])) {
            sift_up(hole, last);
        } else {
            sift_down(hole, last);
        }
    }
    if (heap_.capacity() > smallest_capacity && heap_.size() < heap_.capacity() / 4) {
        // A burst of a million timers must not hold its memory for ever.
        try {
            std::vector<entry> smaller;
            smaller.reserve(std::max(smallest_capacity, heap_.capacity() / 2));
            smaller.assign(heap_.begin(), heap_.end());
            heap_.swap(smaller);
        } catch (const std::bad_alloc&) {
            // Keeping the larger array is the right answer when memory is short.
        }
    }
}

std::size_t timer_queue::expire(time_point now, ready_queue& ready) noexcept {
    std::size_t count = 0;
    while (!heap_.empty() && heap_.front().deadline <= now) {
        timer& due = *heap_.front().item;
        remove(due);
        ready.push(due);
        ++count;
    }
    return count;
}

timer* timer_queue::pop_any() noexcept {
    if (heap_.empty()) return nullptr;
    timer* last = heap_.back().item;
    remove(*last);
    return last;
}

void timer_queue::place(std::size_t position, const entry& moved) noexcept {
    heap_[position] = moved;
    moved.item->position_ = static_cast<std::uint32_t>(position);
}

void timer_queue::sift_up(std::size_t position, const entry& moved) noexcept {
    while (position > 0) {
        const std::size_t parent = (position - 1) / arity;
        if (!moved.before(heap_[parent])) break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, moved);
}

void timer_queue::sift_down(std::size_t position, const entry& moved) noexcept {
    for (;;) {
        const std::size_t first = position * arity + 1;
        if (first >= heap_.size()) break;
        const std::size_t end = std::min(first + arity, heap_.size());
        std::size_t least = first;
        for (std::size_t child = first + 1; child < end; ++child) {
            if (heap_[child].before(heap_[least])) least = child;
        }
        if (!heap_[least].before(moved)) break;
        place(position, heap_[least]);
        position = least;
    }
    place(position, moved);
}

}  // namespace mayhem
