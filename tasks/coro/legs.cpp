#include "tasks/coro/legs.hpp"

#include <utility>

namespace mayhem::detail {
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

void leg_set::expect(std::size_t size) {
    own_entries_ = std::make_unique<entry[]>(size);
    expect(std::span(own_entries_.get(), size));
}

void leg_set::expect(std::span<entry> storage) {
    entries_ = storage;
    if (storage.size() <= 8) return;
    latest_ = std::make_unique<std::unordered_map<completion*, std::size_t>>();
    latest_->reserve(storage.size());
}

void leg_set::attach(leg_owner& owner, counted<completion> target) {
    MAYHEM_CHECK(size_ < entries_.size(), "more legs were attached than were expected");
    const std::size_t index = size_;
    entry& own = entries_[index];
    own.target = std::move(target);
    const auto earlier = note_latest(index);
    ++size_;
    if (earlier) {
        entries_[*earlier].comes_again = true;
    } else {
        ++unique_;
        own.waiter.attach(owner, *own.target, index);
    }
    if (size_ == entries_.size()) latest_.reset();
}

void leg_set::attach(leg_owner& owner, const std::vector<counted<completion>>& targets) {
    expect(targets.size());
    for (const counted<completion>& target : targets) attach(owner, target);
}

/// Where the completion at `index` came last before, if it did: a few are compared, many are
/// hashed.
std::optional<std::size_t> leg_set::note_latest(std::size_t index) {
    completion* const target = entries_[index].target.get();
    if (latest_) {
        const auto [seen, is_new] = latest_->try_emplace(target, index);
        if (is_new) return std::nullopt;
        return std::exchange(seen->second, index);
    }
    for (std::size_t earlier = index; earlier-- > 0;) {
        if (entries_[earlier].target.get() == target) return earlier;
    }
    return std::nullopt;
}

void leg_set::detach() noexcept {
    for (std::size_t index = 0; index < size_; ++index) entries_[index].waiter.detach();
}

}  // namespace mayhem::detail
