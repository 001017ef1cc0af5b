// The second half of an operation's way: what the kernel tells of gets a turn, and in its turn it
// is performed and run. Nothing here waits but one epoll_wait. The picture is in epoll_backend.hpp.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <sys/epoll.h>
#include <utility>

#include "loop/clock.hpp"
#include "loop/epoll_backend.hpp"
#include "loop/error.hpp"
#include "loop/system_call.hpp"
#include "loop/unblocked_call.hpp"

namespace mayhem {

namespace {

// One epoll_wait brings at most this many events; the rest keeps until the next poll.
constexpr int events_per_poll = 256;

// Readers on trust are looked after when the kernel tells of nothing; while it does, when it was
// asked so often, and so much time has passed: each look is a system call that mostly is in vain.
constexpr unsigned polls_between_checks = 16;
constexpr duration between_checks = std::chrono::microseconds(500);

// A busy loop looks at the kernel no more often than this: a look costs as much as some tasks do,
// and a loop that sleeps hears of its events no sooner.
constexpr duration between_looks = std::chrono::microseconds(50);

// So many reads in a row filled their buffer and left nothing: messages have the buffer's size.
constexpr std::uint8_t reads_to_believe = 4;

constexpr std::uint32_t wakes_readers = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
// The end of a stream, an error, urgent data: a short read then tells nothing about what is left.
constexpr std::uint32_t ends_reading = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t wakes_writers = EPOLLOUT | EPOLLHUP | EPOLLERR;

// True when so much time has passed since `last`, which is then now.
bool has_passed(duration between, time_point& last) noexcept {
    const time_point now = clock::now();
    if (now - last < between) return false;
    last = now;
    return true;
}

// Of what `reap` returns.
std::error_code outcome(int reaped) noexcept {
    return reaped < 0 ? errno_code(-reaped) : std::error_code{};
}

}  // namespace

// What nearly all operations are goes the shortest way, since a call costs as much as what it does:
// `start` sends by itself, and a turn receives by itself.
[[gnu::always_inline]] inline std::int32_t epoll_backend::receive(operation& op,
                                                                  descriptor& entry) noexcept {
    const std::int32_t result = detail::with_buffer(op, detail::recv_now);
    if (op.flags == 0) note_read(op, entry, result);
    return result;
}

std::int32_t epoll_backend::attempt(operation& op, descriptor& entry) noexcept {
    if (op.code == opcode::recv) return receive(op, entry);
    const std::int32_t result =
        detail::with_buffer(op, [&](operation& now) { return call(now, entry); });
    if (can_drain(op)) note_read(op, entry, result);
    return result;
}

// What a read tells about the next one.
inline void epoll_backend::note_read(const operation& op, descriptor& entry,
                                     std::int32_t result) noexcept {
    if (entry.filled != 0) {
        const bool was_empty = result == -EAGAIN;
        entry.emptied = was_empty ? std::min<std::uint8_t>(entry.emptied + 1, reads_to_believe) : 0;
    }
    entry.filled = result > 0 && static_cast<std::uint32_t>(result) == op.length ? op.length : 0;
    const bool believed = entry.filled == 0 || entry.emptied == reads_to_believe;
    entry.drained = result > 0 && believed && entry.registered && !entry.ending;
}

std::int32_t epoll_backend::call(operation& op, descriptor& entry) noexcept {
    if (op.step == step::connecting) return detail::outcome_of_connect(op.fd);
    if (op.code == opcode::read || op.code == opcode::write || op.code == opcode::accept) {
        if (entry.kind == detail::descriptor_kind::unknown) entry.kind = detail::classify(op.fd);
        if (entry.kind != detail::descriptor_kind::non_blocking) {
            return detail::perform_unblocked(op, entry.kind);
        }
    }
    return detail::perform(op);
}

// Performs what waits, in its order, until the kernel has no more for it. @returns the first that
// was done, for the caller to run; those behind it are in the ready queue.
[[gnu::always_inline]] inline operation* epoll_backend::resume(parked_list& waiting,
                                                               descriptor& entry,
                                                               operation* first) noexcept {
    while (operation* op = waiting.front()) {
        if (op->is_multishot) [[unlikely]] {  // for the next poll
            waiting.remove(*op);
            due_.push_back(*op);
            break;
        }
        const std::int32_t result =
            op->code == opcode::recv ? receive(*op, entry) : attempt(*op, entry);
        if (must_wait(*op, result)) break;
        waiting.remove(*op);
        finished_here(*op, result);
        if (first == nullptr) {
            first = op;
        } else {
            ready_.push(*op);
        }
    }
    return first;
}

inline void epoll_backend::give_turn(descriptor& entry, bool& may) noexcept {
    if (!entry.may_read && !entry.may_write) ready_.push(entry);
    may = true;
}

inline void epoll_backend::wake_readers(descriptor& entry) noexcept {
    operation& first = *entry.readers.front();
    if (!first.is_multishot) return give_turn(entry, entry.may_read);
    entry.readers.remove(first);
    accept_burst(first, entry);
}

// The first that is done runs here, and last: what it does to this descriptor is its own affair.
void epoll_backend::descriptor::run() noexcept {
    const bool reads = std::exchange(may_read, false);
    const bool writes = std::exchange(may_write, false);
    operation* done = nullptr;
    if (reads) done = owner->resume(readers, *this, done);
    if (writes) done = owner->resume(writers, *this, done);
    if (done != nullptr) done->run();
}

// @returns how many events came, or a negative errno.
[[gnu::always_inline]] inline int epoll_backend::reap(bool block) noexcept {
    std::array<epoll_event, events_per_poll> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events_per_poll, block ? -1 : 0);
    if (count < 0) return errno == EINTR ? 0 : -errno;

    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
        descriptor& entry = *static_cast<descriptor*>(event.data.ptr);
        if ((event.events & wakes_readers) != 0) {
            entry.drained = false;
            entry.filled = 0;
            entry.ending = entry.ending || (event.events & ends_reading) != 0;
            if (!entry.readers.empty()) wake_readers(entry);
        }
        const bool may_write = (event.events & wakes_writers) != 0;
        if (may_write && !entry.writers.empty()) give_turn(entry, entry.may_write);
        if (!entry.polls.empty()) report_polls(entry, event.events);
    }
    return count;
}

void epoll_backend::check_trusted() noexcept {
    polls_since_check_ = 0;
    while (descriptor* entry = unchecked_.pop_front()) {
        operation* const done = resume(entry->readers, *entry, nullptr);
        if (done != nullptr) ready_.push(*done);
    }
}

bool epoll_backend::is_check_due() noexcept {
    if (++polls_since_check_ < polls_between_checks) return false;
    polls_since_check_ = 0;
    return has_passed(between_checks, last_check_);
}

bool epoll_backend::is_look_due() noexcept { return has_passed(between_looks, last_look_); }

std::error_code epoll_backend::poll(wait mode) noexcept {
    const bool something_to_do = !due_.empty() || !ready_.empty();
    if (!due_.empty()) run_due();
    // Nobody to wake: the events keep until somebody parks.
    if (in_flight() == 0 && (mode == wait::no || something_to_do)) return {};
    const bool may_block = mode == wait::yes && !something_to_do && due_.empty();
    for (;;) {
        // First what the kernel tells for nothing; only then the readers that wait on trust.
        const bool some_trust = !unchecked_.empty();
        const int count = reap(may_block && !some_trust);
        // When nothing came, a virtual clock and timeouts must be able to believe it.
        if (some_trust && (count == 0 || is_check_due())) check_trusted();
        const bool may_sleep = may_block && some_trust && count == 0;
        if (!may_sleep || !ready_.empty()) return outcome(count);
    }
}

}  // namespace mayhem
