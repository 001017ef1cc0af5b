// What is to run on the next tick, first in, first out.
//
// A `runnable` is one intrusive node: a callback, a due timer, a completed operation or a task
// whose wait is over. All four meet in this queue and nowhere else, so "who runs next" has one
// answer. The same node type travels through the cross-thread inbox.
#pragma once

#include <cstddef>

#include "loop/check.hpp"

namespace mayhem {

/// Something that the loop can run. A runnable is in at most one queue at a time.
class runnable {
  public:
    runnable() noexcept = default;
    runnable(const runnable&) = delete;
    runnable& operator=(const runnable&) = delete;

    /// Runs user code, on the loop's thread. Never lets an exception out: it is the implementer who
    /// knows whom to tell (the exception handler, a future).
    virtual void run() noexcept = 0;

    /// Called instead of `run` when the loop closes first: gives up what the queue's reference
    /// held.
    virtual void discard() noexcept {}

  protected:
    ~runnable() = default;

  private:
    friend class ready_queue;
    friend class inbox;
    runnable* next_ = nullptr;
};

/// A FIFO of runnables. It owns none of them.
class ready_queue {
  public:
    ready_queue() noexcept = default;
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;
    ~ready_queue() { MAYHEM_CHECK(empty(), "the ready queue was destroyed with work in it"); }

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void push(runnable& item) noexcept {
        item.next_ = nullptr;
        *end_ = &item;
        end_ = &item.next_;
        ++size_;
    }

    /// REQUIRES: not empty.
    runnable& pop() noexcept {
        MAYHEM_CHECK(head_ != nullptr, "popped an empty ready queue");
        runnable& item = *head_;
        head_ = item.next_;
        if (head_ == nullptr) end_ = &head_;
        --size_;
        return item;
    }

  private:
    runnable* head_ = nullptr;
    runnable** end_ = &head_;  // where the next one is entered
    std::size_t size_ = 0;
};

}  // namespace mayhem
