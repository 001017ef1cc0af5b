// What holds a lock or a permit, and gives it back at the end of the scope: the `async with` of
// asyncio's locks.
//
// At shutdown the main task's locals die first, and a lock may be among them, while a worker that
// holds it has not been told yet that it is cancelled. So a lock knows its guards, and what it
// leaves behind are guards that hold nothing.
#pragma once

#include <utility>

#include "loop/intrusive_list.hpp"

namespace mayhem {

namespace detail {

class guard_base : public list_hook<guard_base> {
  protected:
    explicit guard_base(void* held) noexcept : held_(held) {}
    ~guard_base() = default;

    void* held_;

  private:
    friend class guard_list;
};

/// The guards of one primitive.
class guard_list {
  public:
    guard_list() noexcept = default;
    guard_list(const guard_list&) = delete;
    guard_list& operator=(const guard_list&) = delete;
    ~guard_list() {
        while (guard_base* left = guards_.pop_front()) left->held_ = nullptr;
    }

    void add(guard_base& item) noexcept { guards_.push_back(item); }
    void remove(guard_base& item) noexcept { guards_.remove(item); }

  private:
    intrusive_list<guard_base, guard_base> guards_;
};

}  // namespace detail

/// Owns one acquisition of a lock or semaphore. Move-only.
template <typename Primitive>
class [[nodiscard("dropping the guard gives the lock back at once")]] guard final
    : private detail::guard_base {
  public:
    guard() noexcept : guard_base(nullptr) {}
    /// Takes over an acquisition that was made by hand.
    explicit guard(Primitive& held) noexcept : guard_base(&held) { held.guards_.add(*this); }
    guard(guard&& other) noexcept : guard_base(nullptr) { take(other); }
    guard& operator=(guard&& other) noexcept {
        if (this == &other) return *this;
        release();
        take(other);
        return *this;
    }
    ~guard() { release(); }

    /// Gives it back early. Later calls do nothing. In debug mode a guard that ends on a foreign
    /// thread, where a destructor may bring it, logs that and gives nothing back: to wake the next
    /// in line from there would corrupt the loop.
    void release() noexcept {
        if (Primitive* held = let_go()) held->release_held();
    }

    /// True while it holds something.
    explicit operator bool() const noexcept { return held_ != nullptr; }

  private:
    Primitive* let_go() noexcept {
        auto* held = static_cast<Primitive*>(std::exchange(held_, nullptr));
        if (held != nullptr) held->guards_.remove(*this);
        return held;
    }
    void take(guard& other) noexcept {
        Primitive* held = other.let_go();
        if (held == nullptr) return;
        held_ = held;
        held->guards_.add(*this);
    }
};

}  // namespace mayhem
