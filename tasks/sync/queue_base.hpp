// The part of `queue` that does not depend on what is in it: who waits, what was promised to whom,
// and when everything is done.
//
// Problem: a getter that was woken runs only on the next tick. Meanwhile somebody else might take
// the item (barging), or the getter might be cancelled (and the item lost).
// Solution: waking is a promise. The item stays in the queue but is promised to the getter, and
// nobody else can take it; a getter that is cancelled before it runs passes the promise on to the
// next in line. Free slots are promised to blocked putters in the same way, so a put that is
// cancelled has not happened.
//
//      items:  [ a b c d e ]        capacity 8, 2 promised to getters, 1 slot to a putter:
//                ^^^                get_nowait sees 3 items, put_nowait sees 2 free slots
//              promised
#pragma once

#include <cstddef>
#include <stdexcept>

#include "tasks/coro/wait_queue.hpp"
#include "tasks/sync/event.hpp"

namespace mayhem {

/// get_nowait found no item that is not promised to somebody.
class queue_empty : public std::runtime_error {
  public:
    queue_empty() : std::runtime_error("the queue is empty") {}
};

/// put_nowait found no slot.
class queue_full : public std::runtime_error {
  public:
    queue_full() : std::runtime_error("the queue is full") {}
};

/// The queue was shut down.
class queue_shutdown : public std::runtime_error {
  public:
    queue_shutdown() : std::runtime_error("the queue was shut down") {}
};

namespace detail {

/// A getter or putter in line.
class queue_wait : public parked {
  public:
    void give_promise() noexcept { promised_ = true; }

  protected:
    /// False when it was woken because of a shutdown.
    [[nodiscard]] bool has_promise() const noexcept { return promised_; }
    /// A promise that still can be passed on.
    [[nodiscard]] bool owns_promise() const noexcept { return promised_ && !is_orphaned(); }

    [[nodiscard]] bool cannot_go_on() const noexcept { return is_orphaned() || cancel_is_due(); }
    /// Throws `cancelled`, or queue_shutdown when the queue is gone.
    [[noreturn]] void throw_reason() const {
        throw_if_wait_cancelled();
        throw queue_shutdown();
    }

  private:
    bool promised_ = false;
};

class queue_base {
  public:
    queue_base(const queue_base&) = delete;
    queue_base& operator=(const queue_base&) = delete;

    /// How many items it holds at most; 0 means no limit.
    [[nodiscard]] std::size_t maxsize() const noexcept { return maxsize_; }

    /// Says that an item that was taken out has been dealt with.
    /// @throws std::logic_error when called more often than items were put.
    void task_done();
    /// Suspends until every item that was put has been taken out and dealt with.
    [[nodiscard]] event_operation join() {
        check_thread("queue.join");
        return finished_.wait();
    }

  protected:
    explicit queue_base(std::size_t maxsize) : maxsize_(maxsize) { finished_.set(); }
    ~queue_base() = default;

    void check_thread(std::string_view what) const { getters_.check_thread(what); }

    [[nodiscard]] std::size_t available(std::size_t items) const noexcept {
        return items > promised_items_ ? items - promised_items_ : 0;
    }
    [[nodiscard]] bool is_full(std::size_t items) const noexcept {
        return maxsize_ != 0 && items + promised_slots_ >= maxsize_;
    }

    void item_was_put() noexcept;
    void item_was_taken() noexcept { promise_slot(); }
    /// `count` items were dropped by a shutdown.
    void items_were_dropped(std::size_t count) noexcept;
    /// Wakes everybody: there is nothing more to wait for.
    void close_lines() noexcept;

    // A promise ends: it is taken up, or passed on because its owner was cancelled.
    void end_item_promise() noexcept { --promised_items_; }
    void end_slot_promise() noexcept { --promised_slots_; }
    void promise_item() noexcept;
    void promise_slot() noexcept;

    wait_queue getters_;
    wait_queue putters_;
    bool is_shutdown_ = false;

  private:
    event finished_;
    std::size_t maxsize_;
    std::size_t promised_items_ = 0;
    std::size_t promised_slots_ = 0;
    std::size_t unfinished_ = 0;
};

}  // namespace detail
}  // namespace mayhem
