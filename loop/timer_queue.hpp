// Deadlines, earliest first; equal deadlines in the order in which they were added.
//
// Facts: arming a timer in the kernel costs about 600 ns, so timers live here, in user space, and
// the loop arms one timerfd for the earliest (or a little later, when there is a crowd behind it),
// and only when it is about to sleep. Most timers are cancelled before they fire (timeouts that did
// not happen), so cancelling must not leave tombstones behind.
//
// A 4-ary heap in one array: shallower than a binary heap, and the four children of a node share
// a cache line or two. The keys are copied into the array, so that sifting never touches the
// timers themselves except to tell them their new place.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "loop/clock.hpp"
#include "loop/ready_queue.hpp"

namespace mayhem {

/// A runnable with a deadline. It may not be destroyed while it is in a timer queue.
class timer : public runnable {
  public:
    [[nodiscard]] bool is_armed() const noexcept { return position_ != nowhere; }

  protected:
    ~timer() { MAYHEM_CHECK(!is_armed(), "a timer was destroyed while armed"); }

  private:
    friend class timer_queue;
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    std::uint32_t position_ = nowhere;  // so many would take 300 GB
};

class timer_queue {
  public:
    timer_queue() = default;
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

    /// How many timers fit without another allocation: what a burst has left behind.
    [[nodiscard]] std::size_t capacity() const noexcept { return heap_.capacity(); }

    /// The earliest deadline. REQUIRES: not empty.
    [[nodiscard]] time_point earliest() const noexcept { return heap_.front().deadline; }

    /// The last deadline up to `limit`; but `limit` itself when there are so many timers that
    /// only a search would find that one. REQUIRES: not empty.
    [[nodiscard]] time_point last_due_by(time_point limit) const noexcept {
        // The heap's order is known only between a node and its children: those of the first.
        const std::size_t end = std::min(heap_.size(), arity + 1);
        time_point last = heap_.front().deadline;
        bool is_crowd = false;
        for (std::size_t at = 1; at < end; ++at) {
            if (heap_[at].deadline > limit) continue;
            last = std::max(last, heap_[at].deadline);
            is_crowd = end < heap_.size();
        }
        return is_crowd ? limit : last;
    }

    /// Adds `item` with a deadline. REQUIRES: it is not armed. Throws std::bad_alloc.
    void add(timer& item, time_point deadline);

    /// Takes `item` out. REQUIRES: it is armed.
    void remove(timer& item) noexcept;

    /// Moves every timer that is due at `now` into `ready`, in deadline order.
    /// @returns how many.
    std::size_t expire(time_point now, ready_queue& ready) noexcept;

    /// Takes out any one timer, or returns null when empty: for closing the loop.
    timer* pop_any() noexcept;

  private:
    struct entry {
        time_point deadline;
        std::uint64_t sequence;
        timer* item;

        [[nodiscard]] bool before(const entry& other) const noexcept {
            return deadline != other.deadline ? deadline < other.deadline
                                              : sequence < other.sequence;
        }
    };

    static constexpr std::size_t arity = 4;

    void place(std::size_t position, const entry& moved) noexcept;
    void sift_up(std::size_t position, const entry& moved) noexcept;
    void sift_down(std::size_t position, const entry& moved) noexcept;

    std::vector<entry> heap_;
    std::uint64_t next_sequence_ = 0;
};

}  // namespace mayhem
