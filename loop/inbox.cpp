#include "loop/inbox.hpp"

#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/error.hpp"

namespace mayhem {

inbox::mark inbox::sleeping_;
inbox::mark inbox::closed_;

inbox::inbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw_errno(errno, "eventfd");
}

bool inbox::post(runnable& item) noexcept {
    runnable* seen = newest_.load(std::memory_order_relaxed);
    do {
        if (seen == &closed_) return false;
        item.link_ = seen == &sleeping_ ? nullptr : seen;
        // Release: publishes the item's contents (and its link) to the loop's acquire in drain().
    } while (!newest_.compare_exchange_weak(seen, &item, std::memory_order_release,
                                            std::memory_order_relaxed));
    if (seen == &sleeping_) {
        const std::uint64_t one = 1;
        // EAGAIN would mean 2^64 - 2 unread wake-ups: the loop is awake in any case.
        [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
    }
    return true;
}

bool inbox::is_closed() const noexcept {
    return newest_.load(std::memory_order_relaxed) == &closed_;
}

void inbox::take(ready_queue& ready) noexcept {
    // Acquire pairs with the release in post().
    append(newest_.exchange(nullptr, std::memory_order_acquire), ready);
}

bool inbox::prepare_sleep() noexcept {
    // Compare-exchange, so that a post which came after the last drain is not overwritten.
    runnable* expected = nullptr;
    return newest_.compare_exchange_strong(expected, &sleeping_, std::memory_order_relaxed);
}

void inbox::close(ready_queue& ready) noexcept {
    append(newest_.exchange(&closed_, std::memory_order_acquire), ready);
}

void inbox::append(runnable* newest, ready_queue& ready) noexcept {
    if (newest == &sleeping_) return;
    if (newest == &closed_) return;
    runnable* oldest = nullptr;
    while (newest != nullptr) {
        runnable* older = newest->next();
        newest->link_ = oldest;
        oldest = newest;
        newest = older;
    }
    while (oldest != nullptr) {
        runnable* newer = oldest->next();  // read first: push() rewrites links
        ready.push(*oldest);
        oldest = newer;
    }
}

}  // namespace mayhem
