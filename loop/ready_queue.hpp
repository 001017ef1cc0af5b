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
    [[nodiscard]] runnable* next() const noexcept { return static_cast<runnable*>(link_); }

  protected:
    /// The runnable behind this one, while this one is in a queue. Before and after that the word
    /// is the derived class's, for what it needs only then: what a task waits for, say. To be
    /// queued does not change it, only that the next one is; who comes out finds anything in it.
    void* link_ = nullptr;
};

/// A FIFO of runnables, which is emptied in turns: what comes in during a turn waits for the next
/// one. It owns none of them.
class ready_queue {
  public:
    ready_queue() noexcept = default;
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;
    ~ready_queue() { MAYHEM_CHECK(empty(), "the ready queue was destroyed with work in it"); }

    [[nodiscard]] bool empty() const noexcept { return turn_ == nullptr && end_ == &arrived_; }
    /// Counts them: for tests and logs.
    [[nodiscard]] std::size_t size() const noexcept {
        std::size_t count = 0;
        for (const runnable* item = turn_; item != nullptr; item = item->next()) ++count;
        for (void* const* at = &arrived_; at != end_;) {
            at = &static_cast<const runnable*>(*at)->link_;
            ++count;
        }
        return count;
    }

    void push(runnable& item) noexcept {
        *end_ = &item;
        end_ = &item.link_;
    }

    /// Begins a turn with all that is there. REQUIRES: the last turn is over.
    void begin_turn() noexcept {
        *end_ = nullptr;
        turn_ = static_cast<runnable*>(arrived_);
        end_ = &arrived_;
    }
    /// Takes the next one of this turn out. @returns null when the turn is over
    runnable* next() noexcept {
        runnable* const item = turn_;
        if (item != nullptr) {
            turn_ = item->next();
            __builtin_prefetch(turn_);  // it comes next
        }
        return item;
    }
    /// Takes the next one out, whatever its turn. @returns null when the queue is empty
    runnable* pop() noexcept {
        if (turn_ == nullptr) begin_turn();
        return next();
    }

  private:
    runnable* turn_ = nullptr;  // what is left of this turn, ends with a null link
    void* arrived_ = nullptr;   // for the next turn; how it ends is not written down yet
    void** end_ = &arrived_;    // where the next one is entered
};

}  // namespace mayhem
