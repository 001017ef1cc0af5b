// Waiting for several completions at once: what gather, wait, as_completed, shield and task groups
// have in common.
//
// Each completion gets a *leg*, a waiter of its own. Problem: a leg whose completion is done sits
// in the ready queue, and the task that waits may go on, and destroy everything, before the leg
// runs. Solution: legs belong to a counted owner on the heap, which keeps itself as long as any of
// them is attached: until it has run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "tasks/coro/completion.hpp"

namespace mayhem::detail {

/// Who is told when a leg's completion is done. Counted: all attached legs hold one reference.
class leg_owner {
  public:
    /// Runs on the tick after the completion, as a done callback would. `index` is the leg's.
    virtual void leg_done(std::size_t index) noexcept = 0;

    void leg_begins() noexcept {
        if (attached_++ == 0) retain_for_legs();
    }
    /// The owner may be gone afterwards.
    void leg_ends() noexcept {
        if (--attached_ == 0) release_for_legs();
    }

  protected:
    ~leg_owner() = default;

    virtual void retain_for_legs() noexcept = 0;
    virtual void release_for_legs() noexcept = 0;

  private:
    std::uint32_t attached_ = 0;
};

class leg final : public completion_waiter {
  public:
    // Not constexpr: g++ would make an array of them by a block fill, which takes longer than the
    // rest of a gather.
    leg() noexcept {}  // NOLINT(modernize-use-equals-default)

    /// REQUIRES: not attached; `target` lives as long as the owner.
    void attach(leg_owner& owner, completion& target, std::uint32_t index) noexcept;

    /// Waits no more. A leg that is on its way already will tell nobody.
    /// REQUIRES: the caller holds a reference to the owner of its own.
    void detach() noexcept;

    void run() noexcept override;
    void discard() noexcept override;

  private:
    leg_owner* owner_ = nullptr;  // null when not attached
    std::uint32_t index_ = 0;
    bool silent_ = false;
};

/// The legs of one wait. A completion that is given several times gets one leg.
class leg_set {
  public:
    struct entry {
        counted<completion> target;
        [[no_unique_address]] leg waiter;  // whose last bytes are free
        bool comes_again = false;
    };

    /// How many there are going to be. REQUIRES: called once, before `attach`.
    void expect(std::size_t size);
    /// The same, in `storage`, which lives as long as the owner.
    void expect(std::span<entry> storage);
    /// The next one. REQUIRES: it was expected.
    void attach(leg_owner& owner, counted<completion>&& target);
    /// The same for one that nobody else has yet: a task that was just created.
    void attach_new(leg_owner& owner, counted<completion>&& target) noexcept;
    /// All of them.
    void attach(leg_owner& owner, const std::vector<counted<completion>>& targets);
    /// See leg::detach.
    void detach() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// How many different completions there are.
    [[nodiscard]] std::size_t unique() const noexcept { return unique_; }
    [[nodiscard]] completion& target(std::size_t index) const noexcept {
        return *entries_[index].target;
    }
    /// True when the same completion comes again at a later index.
    [[nodiscard]] bool comes_again(std::size_t index) const noexcept {
        return entries_[index].comes_again;
    }

  private:
    [[nodiscard]] entry* find_among_few(std::size_t index) noexcept;
    [[nodiscard]] entry* find_hashed(std::size_t index);

    std::span<entry> entries_;
    std::unique_ptr<entry[]> own_entries_;
    // Where each came last. Of many only; a few are compared.
    std::unique_ptr<std::unordered_map<completion*, std::size_t>> latest_;
    std::size_t size_ = 0;
    std::size_t unique_ = 0;
};

}  // namespace mayhem::detail
