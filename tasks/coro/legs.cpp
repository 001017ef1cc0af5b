#include "tasks/coro/legs.hpp"

#include <optional>
#include <unordered_map>
#include <utility>

namespace mayhem::detail {
namespace {

/// Where each completion came last: a few are compared, many are hashed.
class latest_index {
  public:
    using targets_type = std::vector<counted<completion>>;

    explicit latest_index(std::size_t size) : hashed_(size > 8) {
        if (hashed_) table_.reserve(size);
    }

    /// @returns the latest index before `index` with the same completion, if any.
    std::optional<std::size_t> exchange(const targets_type& targets, std::size_t index) {
        if (hashed_) {
            const auto [seen, is_new] = table_.try_emplace(targets[index].get(), index);
            if (is_new) return std::nullopt;
            return std::exchange(seen->second, index);
        }
        for (std::size_t earlier = index; earlier-- > 0;) {
            if (targets[earlier] == targets[index]) return earlier;
        }
        return std::nullopt;
    }

  private:
    bool hashed_;
    std::unordered_map<completion*, std::size_t> table_;
};

}  // namespace

void leg::attach(leg_owner& owner, completion& target, std::size_t index) noexcept {
    owner_ = &owner;
    index_ = index;
    target_ = &target;
    owner.retain_for_leg();
    target.add_waiter(*this);
}

void leg::detach() noexcept {
    if (owner_ == nullptr) return;
    silent_ = true;
    if (!is_linked()) return;  // on its way through the ready queue
    target_->remove_waiter(*this);
    discard();
}

void leg::run() noexcept {
    leg_owner& owner = *std::exchange(owner_, nullptr);
    if (!silent_) owner.leg_done(index_);
    owner.release_for_leg();  // `this` may be gone now
}

void leg::discard() noexcept { std::exchange(owner_, nullptr)->release_for_leg(); }

void leg_set::attach(leg_owner& owner, const std::vector<counted<completion>>& targets) {
    size_ = targets.size();
    entries_ = std::make_unique<entry[]>(size_);
    latest_index latest(size_);
    for (std::size_t index = 0; index < size_; ++index) {
        entry& own = entries_[index];
        own.target = targets[index];
        if (const auto earlier = latest.exchange(targets, index)) {
            entries_[*earlier].comes_again = true;
            continue;
        }
        ++unique_;
        own.waiter.attach(owner, *own.target, index);
    }
}

void leg_set::detach() noexcept {
    for (std::size_t index = 0; index < size_; ++index) entries_[index].waiter.detach();
}

}  // namespace mayhem::detail
