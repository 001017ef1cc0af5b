#include "tasks/coro/legs.hpp"

#include <utility>

namespace mayhem::detail {
void leg::attach(leg_owner& owner, completion& target, std::uint32_t index) noexcept {
    owner_ = &owner;
    index_ = index;
    owner.leg_begins();
    target.add_waiter(*this);
}

void leg::detach() noexcept {
    if (owner_ == nullptr) return;
    silent_ = true;
    if (!is_waiting()) return;  // on its way through the ready queue
    waiter_list::remove(*this);
    discard();
}

void leg::run() noexcept {
    leg_owner& owner = *std::exchange(owner_, nullptr);
    if (!silent_) owner.leg_done(index_);
    owner.leg_ends();  // `this` may be gone now
}

void leg::discard() noexcept { std::exchange(owner_, nullptr)->leg_ends(); }

void leg_set::expect(std::size_t size) {
    own_entries_ = std::make_unique<entry[]>(size);
    expect(std::span(own_entries_.get(), size));
}

void leg_set::expect(std::span<entry> storage) { entries_ = storage; }

void leg_set::attach(leg_owner& owner, counted<completion>&& target) {
    MAYHEM_CHECK(size_ < entries_.size(), "more legs were attached than were expected");
    if (entries_.size() > 8 && !latest_) {
        latest_ = std::make_unique<std::unordered_map<completion*, std::size_t>>();
        latest_->reserve(entries_.size());
    }
    const std::size_t index = size_++;
    entry& own = entries_[index];
    own.target = std::move(target);
    entry* const earlier = latest_ ? find_hashed(index) : find_among_few(index);
    if (earlier != nullptr) {
        earlier->comes_again = true;
    } else {
        ++unique_;
        own.waiter.attach(owner, *own.target, static_cast<std::uint32_t>(index));
    }
}

void leg_set::attach_new(leg_owner& owner, counted<completion>&& target) noexcept {
    MAYHEM_CHECK(size_ < entries_.size(), "more legs were attached than were expected");
    const auto index = static_cast<std::uint32_t>(size_++);
    ++unique_;
    entry& own = entries_[index];
    own.target = std::move(target);
    own.waiter.attach(owner, *own.target, index);
}

void leg_set::attach(leg_owner& owner, const std::vector<counted<completion>>& targets) {
    expect(targets.size());
    for (counted<completion> target : targets) attach(owner, std::move(target));
}

/// Where the completion at `index` came last before; null when it is new.
leg_set::entry* leg_set::find_among_few(std::size_t index) noexcept {
    for (std::size_t earlier = index; earlier-- > 0;) {
        if (entries_[earlier].target == entries_[index].target) return &entries_[earlier];
    }
    return nullptr;
}

leg_set::entry* leg_set::find_hashed(std::size_t index) {
    const auto [seen, is_new] = latest_->try_emplace(entries_[index].target.get(), index);
    entry* const earlier = is_new ? nullptr : &entries_[std::exchange(seen->second, index)];
    if (size_ == entries_.size()) latest_.reset();
    return earlier;
}

void leg_set::detach() noexcept {
    for (std::size_t index = 0; index < size_; ++index) entries_[index].waiter.detach();
}

}  // namespace mayhem::detail
