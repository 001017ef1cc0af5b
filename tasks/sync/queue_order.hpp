// In which order a queue gives its items back. One small class per order; `queue` does the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace mayhem {

/// First in, first out.
template <typename T>
class fifo_order {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    T pop() {
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }
    void clear() noexcept { items_.clear(); }

  private:
    std::deque<T> items_;
};

/// Last in, first out.
template <typename T>
class lifo_order {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    T pop() {
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    void clear() noexcept { items_.clear(); }

  private:
    std::vector<T> items_;
};

/// The smallest first. Equal items come in no particular order.
template <typename T, typename Less = std::less<T>>
class priority_order {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) {
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), greater);
    }
    T pop() {
        std::pop_heap(items_.begin(), items_.end(), greater);
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    void clear() noexcept { items_.clear(); }

  private:
    static bool greater(const T& left, const T& right) { return Less{}(right, left); }
    std::vector<T> items_;
};

}  // namespace mayhem
