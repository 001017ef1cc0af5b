// Tasks that wait for each other; asyncio.Barrier.
//
//   filling ---- the last party arrives ----> draining ---- the last one left ----> filling
//      |                                                                               ^
//      +------------- reset, while somebody waits ----> resetting --- the last left ---+
//   any ---- abort ----> broken ---- reset, with nobody inside ----> filling
//
// Those who come while the barrier is draining or resetting wait outside until it is filling again.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>

#include "loop/loop_binding.hpp"
#include "tasks/coro/coro.hpp"

namespace mayhem {

/// The barrier was aborted, or reset while tasks waited at it.
class broken_barrier : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Lets tasks through in groups of `parties`. Reusable.
class barrier {
  public:
    /// @throws std::invalid_argument when `parties` is 0.
    explicit barrier(std::size_t parties);

    /// Waits until `parties` tasks wait, and gives this task's number, from 0 to parties - 1, in
    /// the order of arrival. Cancelled, it leaves, and another task can take the place.
    /// @throws broken_barrier
    coro<std::size_t> wait();

    /// Sends everybody who waits away with broken_barrier, and begins anew.
    coro<void> reset();
    /// The same, but the barrier stays broken, until `reset`.
    coro<void> abort();

    [[nodiscard]] std::size_t parties() const noexcept;
    /// How many tasks wait for the rest.
    [[nodiscard]] std::size_t n_waiting() const noexcept;
    [[nodiscard]] bool broken() const noexcept;

  private:
    class core;
    detail::loop_binding binding_;
    std::shared_ptr<core> core_;  // shared with the tasks inside, which have to leave it properly
};

}  // namespace mayhem
