// Who waits for a completion: a list whose root is one word, since every task and future has one.
//
// The list is linked from the newest to the oldest, so that its root alone finds the place where
// the next one is added. Whoever waits sits in no ready queue, and lends the link that it has for
// that; besides it knows which word points to it, and so leaves from the middle in constant time
// (the Linux kernel's hlist). Those who are taken out are turned round: first come, first served.
//
//    root --> newest --link--> older --link--> oldest --> null
//      ^--place--' ^----place---'  ^---place----'
#pragma once

#include <utility>

#include "loop/check.hpp"
#include "loop/ready_queue.hpp"

namespace mayhem {

/// Somebody who waits for a completion: a task, or one leg of a gather. When the completion is
/// done, each waiter joins the ready queue, in the order in which they came; it runs on the next
/// tick. After that it must stay alive until it has run (or was discarded).
class completion_waiter : public runnable {
  public:
    /// In a list; no more once it is sent off.
    [[nodiscard]] bool is_waiting() const noexcept { return place_ != nullptr; }

  protected:
    ~completion_waiter() { MAYHEM_CHECK(!is_waiting(), "a waiter was destroyed while it waits"); }

  private:
    friend class waiter_list;
    static completion_waiter* at(void* link) noexcept {
        return static_cast<completion_waiter*>(link);
    }

    void** place_ = nullptr;  // the word that points to this one; null when it is in no list
};

/// Owns none of them.
class waiter_list {
  public:
    waiter_list() noexcept = default;
    waiter_list(const waiter_list&) = delete;
    waiter_list& operator=(const waiter_list&) = delete;
    ~waiter_list() { MAYHEM_CHECK(empty(), "a list of waiters was destroyed with some in it"); }

    [[nodiscard]] bool empty() const noexcept { return newest_ == nullptr; }

    void add(completion_waiter& waiter) noexcept {
        MAYHEM_CHECK(!waiter.is_waiting(), "somebody was added to a second list of waiters");
        waiter.link_ = newest_;
        waiter.place_ = &newest_;
        if (newest_ != nullptr) completion_waiter::at(newest_)->place_ = &waiter.link_;
        newest_ = &waiter;
    }

    /// Takes it out of whichever list it is in.
    static void remove(completion_waiter& waiter) noexcept {
        MAYHEM_CHECK(waiter.is_waiting(), "removed a waiter that is in no list");
        *waiter.place_ = waiter.link_;
        if (waiter.link_ != nullptr) completion_waiter::at(waiter.link_)->place_ = waiter.place_;
        waiter.place_ = nullptr;
    }

    /// Takes the only waiter out. @returns null when there are several, or none
    [[nodiscard]] completion_waiter* take_only() noexcept {
        completion_waiter* const only = completion_waiter::at(newest_);
        if (only == nullptr || only->link_ != nullptr) return nullptr;
        only->place_ = nullptr;
        newest_ = nullptr;
        return only;
    }

    /// Takes every waiter out, in the order in which they came, and gives it to `receive`, which
    /// may destroy it, and others that are still in the list.
    template <typename Receive>
    void take_all(Receive receive) noexcept {
        turn_round();
        while (newest_ != nullptr) {
            completion_waiter& first = *completion_waiter::at(newest_);
            remove(first);
            receive(first);
        }
    }

  private:
    void turn_round() noexcept {
        void* rest = std::exchange(newest_, nullptr);
        while (rest != nullptr) {
            completion_waiter& moved = *completion_waiter::at(rest);
            rest = moved.link_;
            moved.place_ = nullptr;
            add(moved);
        }
    }

    void* newest_ = nullptr;  // a completion_waiter
};

}  // namespace mayhem
