// Runnables that are told apart by a number, and the order in which a ready queue has them.
#pragma once

#include <vector>

#include "loop/ready_queue.hpp"

namespace mayhem::test {

/// Does nothing. `Base` is a runnable, or a kind of it.
template <typename Base = runnable>
class numbered final : public Base {
  public:
    explicit numbered(int number = 0) : number_(number) {}
    void run() noexcept override {}
    [[nodiscard]] int number() const noexcept { return number_; }

  private:
    int number_;
};

/// The numbers of all that is in the queue, which is empty then. REQUIRES: all are `Item`s.
template <typename Item = numbered<>>
std::vector<int> take_numbers(ready_queue& ready) {
    std::vector<int> order;
    while (runnable* const item = ready.pop()) order.push_back(static_cast<Item*>(item)->number());
    return order;
}

}  // namespace mayhem::test
