// The multishot half of the epoll backend: polls that tell of each new readiness, and accepts that
// go on. Apart from the rest because it is the only part that calls owners (`on_shot`), who may
// submit or cancel from inside; so nothing here keeps a place in a list across such a call.
#include <cerrno>
#include <sys/epoll.h>

#include "loop/epoll_backend.hpp"

namespace mayhem {

namespace {

// A flood of connections must not keep the loop from everything else: after this many, the rest
// waits for the next poll.
constexpr int accepts_per_poll = 64;

}  // namespace

// The registration reports what is ready already, so the first shot comes with `poll` like all
// others. An accept may find connections whose edge is long past: it is due.
void epoll_backend::start_multishot(operation& op, descriptor& entry) noexcept {
    started(op);
    if (op.code == opcode::poll) {
        park(op, entry);
    } else {
        due_.push_back(op);
    }
}

// The end of an operation, told from outside `poll`: a multishot one has to wait for `poll`, the
// only place from which its owner may be called.
void epoll_backend::decide(operation& op, std::int32_t result) noexcept {
    if (!op.is_multishot) {
        finished(op, result, ready_);
        return;
    }
    op.result = result;
    op.step = step::decided;
    due_.push_back(op);
}

// Takes what is there, up to the bound; parks `op` when the queue was emptied. Until then it is
// due, so that its owner may cancel it from inside `on_shot`.
void epoll_backend::accept_burst(operation& op, descriptor& entry) noexcept {
    due_.push_back(op);
    for (int count = 0; count < accepts_per_poll; ++count) {
        const std::int32_t result = attempt(op, entry);
        if (result == -EAGAIN) {
            unpark(op);
            park(op, entry);
            return;
        }
        if (result < 0) {
            unpark(op);
            finished(op, result, ready_);
            return;
        }
        op.on_shot(result, true);
        if (op.cancel_requested) return;
    }
}

void epoll_backend::report_polls(descriptor& entry, std::uint32_t events) noexcept {
    // Taken out as a whole and put back one by one: `on_shot` may cancel or submit any of them.
    parked_list now;
    now.splice(entry.polls);
    while (operation* op = now.pop_front()) {
        const std::uint32_t wanted = events & (op->flags | EPOLLHUP | EPOLLERR);
        const auto result = static_cast<std::int32_t>(wanted);
        if (wanted != 0 && !op->is_multishot) {
            finished(*op, result, ready_);
            continue;
        }
        entry.polls.push_back(*op);
        if (wanted != 0) op->on_shot(result, true);
    }
}

void epoll_backend::run_due() noexcept {
    // Only what is due now: what becomes due meanwhile is the next poll's.
    parked_list now;
    now.splice(due_);
    while (operation* op = now.pop_front()) {
        if (op->step == step::decided) {
            finished(*op, op->result, ready_);
        } else {
            accept_burst(*op, at(op->fd));
        }
    }
}

}  // namespace mayhem
