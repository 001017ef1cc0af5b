// The least machinery that runs coroutines: what the limit of each workload is measured with.
//
// Lazy coroutines that start each other by symmetric transfer, their frames in free lists, one
// intrusive ready queue, a 4-ary heap of timers. No exceptions, no cancellation, no names, no
// locations, no threads: whoever adds any of these pays for it, and the ratio to this says how
// much. It is a yardstick and not a library; it refuses to grow.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

namespace raw {

// ---- Memory -------------------------------------------------------------------------------

/// Free lists by size, 64 bytes apart.
class pool {
  public:
    static void* take(std::size_t size) {
        const std::size_t kind = kind_of(size);
        if (kind >= lists_.size()) return ::operator new(size);
        if (block* const found = lists_[kind]) {
            lists_[kind] = found->next;
            return found;
        }
        return ::operator new((kind + 1) * step);
    }
    static void give(void* memory, std::size_t size) noexcept {
        const std::size_t kind = kind_of(size);
        if (kind >= lists_.size()) return ::operator delete(memory);
        lists_[kind] = ::new (memory) block{lists_[kind]};
    }

  private:
    struct block {
        block* next;
    };
    static constexpr std::size_t step = 64;
    static std::size_t kind_of(std::size_t size) noexcept { return (size - 1) / step; }
    static inline std::array<block*, 16> lists_{};
};

struct pooled {
    static void* operator new(std::size_t size) { return pool::take(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        pool::give(memory, size);
    }
};

// ---- What is ready ------------------------------------------------------------------------

/// One suspended coroutine, in line.
struct node {
    node* next = nullptr;
    std::coroutine_handle<> frame;
};

class line {
  public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    void push(node& item) noexcept {
        item.next = nullptr;
        (tail_ == nullptr ? head_ : tail_->next) = &item;
        tail_ = &item;
    }
    node& pop() noexcept {
        node& item = *head_;
        head_ = item.next;
        if (head_ == nullptr) tail_ = nullptr;
        return item;
    }

  private:
    node* head_ = nullptr;
    node* tail_ = nullptr;
};

/// What may run now; one per program.
inline line ready;

/// Runs until nothing is ready.
inline void run_ready() {
    while (!ready.empty()) ready.pop().frame.resume();
}

/// Goes to the end of the line.
struct yield : node {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
        frame = waiting;
        ready.push(*this);
    }
    void await_resume() const noexcept {}
};

/// Counts what is still to come; whoever waits goes on when nothing is.
class countdown : node {
  public:
    explicit countdown(std::size_t count) noexcept : left_(count) {}
    void arrive() noexcept {
        if (--left_ == 0 && frame) ready.push(*this);
    }
    bool await_ready() const noexcept { return left_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { frame = waiting; }
    void await_resume() const noexcept {}

  private:
    std::size_t left_;
};

// ---- Coroutines ---------------------------------------------------------------------------

struct promise_base : pooled {
    std::coroutine_handle<> continuation = std::noop_coroutine();

    struct hand_over {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            return ended.promise().continuation;
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    hand_over final_suspend() const noexcept { return {}; }
    void unhandled_exception() const noexcept { std::terminate(); }
};

template <typename T>
struct promise_of : promise_base {
    T value{};
    void return_value(T result) noexcept { value = std::move(result); }
    T take() noexcept { return std::move(value); }
};
template <>
struct promise_of<void> : promise_base {
    void return_void() const noexcept {}
    void take() const noexcept {}
};

/// A lazy coroutine; it runs when it is awaited.
template <typename T = void>
class [[nodiscard]] task {
  public:
    struct promise_type : promise_of<T> {
        task get_return_object() noexcept {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
    };
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (frame_) frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
        frame_.promise().continuation = waiting;
        return frame_;
    }
    T await_resume() noexcept { return frame_.promise().take(); }

  private:
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
};

/// A coroutine that is in line from the beginning, and is gone when it ends.
struct job {
    struct promise_type : pooled, node {
        job get_return_object() noexcept {
            frame = std::coroutine_handle<promise_type>::from_promise(*this);
            ready.push(*this);
            return {};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
};

}  // namespace raw
