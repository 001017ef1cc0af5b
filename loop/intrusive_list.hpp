// A doubly linked list whose links live in its elements: adding and removing allocates nothing,
// and an element can leave from the middle in constant time. An element that sits in several
// lists derives from several hooks, told apart by their tag.
//
// Invariant: a hook is linked at most once; a hook that is destroyed while linked is a bug, and
// its destructor says so, unless its tag says `leaves_when_destroyed` (Boost's auto_unlink).
#pragma once

#include <cstddef>

#include "loop/check.hpp"

namespace mayhem {

template <typename T, typename Tag>
class intrusive_list;

/// True for the tags of lists that an element leaves by being destroyed.
template <typename Tag>
concept leaves_when_destroyed = requires { requires Tag::leaves_when_destroyed; };

/// The links of one element for the lists marked `Tag`.
template <typename Tag = void>
class list_hook {
  public:
    list_hook() noexcept = default;
    list_hook(const list_hook&) = delete;
    list_hook& operator=(const list_hook&) = delete;
    ~list_hook() {
        if constexpr (leaves_when_destroyed<Tag>) {
            leave_if_linked();
        } else {
            MAYHEM_CHECK(!is_linked(), "a list element was destroyed while in a list");
        }
    }

    [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }

    /// Takes the element out of whichever list it is in.
    void unlink() noexcept {
        MAYHEM_CHECK(is_linked(), "removed an element that is in no list");
        close_gap();
        next_ = previous_ = nullptr;
    }

  protected:
    /// What the destructor does, where it is the last thing that is done.
    void leave_if_linked() noexcept
        requires leaves_when_destroyed<Tag>
    {
        if (is_linked()) [[likely]]
            close_gap();
    }

  private:
    template <typename, typename>
    friend class intrusive_list;
    void close_gap() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
    }

    list_hook* next_ = nullptr;
    list_hook* previous_ = nullptr;
};

/// A circular list around a root hook. T derives from `list_hook<Tag>`.
template <typename T, typename Tag = void>
class intrusive_list {
    using hook = list_hook<Tag>;

  public:
    intrusive_list() noexcept { root_.next_ = root_.previous_ = &root_; }
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    ~intrusive_list() {
        MAYHEM_CHECK(empty(), "a list was destroyed with elements in it");
        root_.next_ = nullptr;
    }

    [[nodiscard]] bool empty() const noexcept { return root_.next_ == &root_; }

    [[nodiscard]] T* front() noexcept { return empty() ? nullptr : element(root_.next_); }

    /// The element after `item`, or null at the end.
    [[nodiscard]] T* next(T& item) noexcept {
        hook* following = static_cast<hook&>(item).next_;
        return following == &root_ ? nullptr : element(following);
    }

    void push_back(T& item) noexcept { link_before(root_, item); }
    void push_front(T& item) noexcept { link_before(*root_.next_, item); }

    void remove(T& item) noexcept { static_cast<hook&>(item).unlink(); }

    T* pop_front() noexcept {
        T* first = front();
        if (first != nullptr) remove(*first);
        return first;
    }

    /// Moves every element of `other` to the end of this list, in order.
    void splice(intrusive_list& other) noexcept {
        while (T* item = other.pop_front()) push_back(*item);
    }

    [[nodiscard]] std::size_t size() noexcept {
        std::size_t count = 0;
        for (T* item = front(); item != nullptr; item = next(*item)) ++count;
        return count;
    }

  private:
    static T* element(hook* links) noexcept { return static_cast<T*>(links); }

    void link_before(hook& position, hook& links) noexcept {
        MAYHEM_CHECK(!links.is_linked(), "an element was added to a second list");
        links.previous_ = position.previous_;
        position.previous_->next_ = &links;
        position.previous_ = &links;
        links.next_ = &position;  // (not beside the other: g++ would make a vector of them)
    }

    hook root_;
};

}  // namespace mayhem
