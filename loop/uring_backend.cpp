// From operations to submissions and back; see the header for the picture and for what can go
// wrong on the way. Nothing in this file knows what an operation is for.
#include "loop/uring_backend.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

#include "loop/check.hpp"
#include "loop/error.hpp"
#include "loop/log.hpp"
#include "loop/read_buffer.hpp"
#include "loop/system_call.hpp"

namespace mayhem {

namespace {

// user_data: the operation's address; its lowest bit, which alignment leaves free, tells the
// auxiliary poll from the operation itself. A cancel's completion carries null.
constexpr std::uint64_t auxiliary_poll = 1;

std::uint64_t tag(const operation& op) noexcept {
    static_assert(alignof(operation) > auxiliary_poll);
    return reinterpret_cast<std::uintptr_t>(&op);
}

// Fills in a submission. The kernel reads addresses, messages and paths while it works on the
// operation; that they live so long is the owner's duty.
void describe(io_uring_sqe* sqe, const operation& op) noexcept {
    const int flags = static_cast<int>(op.flags);
    switch (op.code) {
        case opcode::nop:
            io_uring_prep_nop(sqe);
            break;
        case opcode::read:
            io_uring_prep_read(sqe, op.fd, op.address, op.length, op.offset);
            break;
        case opcode::write:
            io_uring_prep_write(sqe, op.fd, op.address, op.length, op.offset);
            break;
        case opcode::recv:
            io_uring_prep_recv(sqe, op.fd, op.address, op.length, flags);
            break;
        case opcode::send:
            io_uring_prep_send(sqe, op.fd, op.address, op.length, flags);
            break;
        case opcode::recvmsg:
            io_uring_prep_recvmsg(sqe, op.fd, static_cast<msghdr*>(op.address), op.flags);
            break;
        case opcode::sendmsg:
            io_uring_prep_sendmsg(sqe, op.fd, static_cast<const msghdr*>(op.address), op.flags);
            break;
        case opcode::sendfile:  // is never submitted; see `send_file`
            break;
        case opcode::accept:
            if (op.is_multishot) {
                io_uring_prep_multishot_accept(sqe, op.fd, nullptr, nullptr, flags);
            } else {
                io_uring_prep_accept(sqe, op.fd, nullptr, nullptr, flags);
            }
            break;
        case opcode::connect:
            io_uring_prep_connect(sqe, op.fd, static_cast<const sockaddr*>(op.address), op.length);
            break;
        case opcode::poll:
            if (op.is_multishot) {
                io_uring_prep_poll_multishot(sqe, op.fd, op.flags);
            } else {
                io_uring_prep_poll_add(sqe, op.fd, op.flags);
            }
            break;
        case opcode::openat:
            io_uring_prep_openat(sqe, op.fd, static_cast<const char*>(op.address), flags,
                                 op.length);
            break;
        case opcode::statx:
            io_uring_prep_statx(sqe, op.fd, static_cast<const char*>(op.address), flags, op.length,
                                op.status);
            break;
        case opcode::fsync:
            io_uring_prep_fsync(sqe, op.fd, op.flags != 0 ? IORING_FSYNC_DATASYNC : 0);
            break;
        // Through the ring and not as a plain call, although closing is mostly quick: it rides
        // along with the tick's one io_uring_enter, and where it can block (NFS, FUSE: files that
        // flush) the kernel moves it to a worker by itself.
        case opcode::close:
            io_uring_prep_close(sqe, op.fd);
            break;
    }
}

bool writes(opcode code) noexcept {
    return code == opcode::write || code == opcode::send || code == opcode::sendmsg ||
           code == opcode::sendfile || code == opcode::connect;
}

bool reads(opcode code) noexcept {
    return code == opcode::recv || code == opcode::read || code == opcode::recvmsg;
}

// The kernel waits by itself for what can be waited for, with these exceptions: kernels that read
// O_NONBLOCK (or MSG_DONTWAIT) as "answer EAGAIN at once", connects on non-blocking sockets that
// answer EINPROGRESS, and files without support for waiting that are non-blocking. A unix socket's
// connect answers EAGAIN when the listener's queue is full; nothing tells when there is room, so
// that is a result.
bool waits_for_readiness(const operation& op, std::int32_t result) noexcept {
    switch (op.code) {
        case opcode::read:
        case opcode::write:
        case opcode::recv:
        case opcode::send:
        case opcode::recvmsg:
        case opcode::sendmsg:
        case opcode::accept:
            return result == -EAGAIN;
        case opcode::connect:
            return result == -EINPROGRESS || result == -EALREADY;
        default:
            return false;
    }
}

std::int32_t outcome_of_connect(int fd) noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return -errno;
    return -error;
}

}  // namespace

std::expected<std::unique_ptr<backend>, std::error_code> uring_backend::create(
    ready_queue& ready, const detail::ring_options& options) {
    auto ring = detail::ring::create(options);
    if (!ring.has_value()) return std::unexpected(ring.error());
    return std::unique_ptr<backend>(new uring_backend(ready, std::move(*ring)));
}

uring_backend::uring_backend(ready_queue& ready, detail::ring ring) noexcept
    : ready_(ready), ring_(std::move(ring)), owner_(std::this_thread::get_id()) {}

uring_backend::~uring_backend() {
    MAYHEM_CHECK(in_flight() == 0, "the io_uring backend was destroyed with operations in flight");
}

void uring_backend::submit(operation& op) noexcept {
    started(op);
    in_flight_.push_back(op);
    if (!reads(op.code)) return send_or_keep(op);
    op.step = step::backlogged;
    reads_.push_back(op);
}

void uring_backend::cancel(operation& op) noexcept {
    if (op.state != operation_state::in_flight || op.cancel_requested) return;
    op.cancel_requested = true;
    // What the ring does not know yet is found cancelled when its turn comes.
    if (op.step == step::backlogged) return;
    if (!send_cancel(op)) cancel_backlog_.push_back(op);
}

void uring_backend::cancel_all() noexcept {
    for (operation* op = in_flight_.front(); op != nullptr; op = in_flight_.next(*op)) cancel(*op);
}

std::error_code uring_backend::poll(wait mode) noexcept {
    if (std::this_thread::get_id() != owner_) [[unlikely]] {
        log_message(log_level::error,
                    "io_uring: the loop runs on another thread than the one that created it; "
                    "create it where it runs");
        return errno_code(EEXIST);
    }
    // Draining may tell owners of an end, so a poll that found a backlog does not block.
    const bool had_backlog = !backlog_.empty() || !cancel_backlog_.empty();
    if (had_backlog) drain_backlogs();
    send_reads();
    ::io_uring* const raw = ring_.get();
    // What could not be handed over just now must be tried again soon.
    const bool all_sent = backlog_.empty() && cancel_backlog_.empty();
    const bool block = mode == wait::yes && !had_backlog && all_sent && ready_.empty() &&
                       io_uring_cq_ready(raw) == 0;
    if (block || io_uring_sq_ready(raw) != 0 || ring_.wants_enter()) {
        if (const std::error_code error = enter(block)) return error;
    }
    reap();
    return {};
}

// A slot for a submission; null when the ring is full and the kernel takes nothing now.
io_uring_sqe* uring_backend::free_sqe() noexcept {
    io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
    if (sqe != nullptr) return sqe;
    // Submits without reaping: completions may call `on_shot`, and only `poll` may do that.
    static_cast<void>(io_uring_submit(ring_.get()));
    return io_uring_get_sqe(ring_.get());
}

bool uring_backend::send(operation& op, step how) noexcept {
    io_uring_sqe* const sqe = free_sqe();
    if (sqe == nullptr) return false;
    if (how == step::polling) {
        io_uring_prep_poll_add(sqe, op.fd, writes(op.code) ? POLLOUT : POLLIN);
        io_uring_sqe_set_data64(sqe, tag(op) | auxiliary_poll);
    } else {
        describe(sqe, op);
        io_uring_sqe_set_data64(sqe, tag(op));
    }
    op.step = how;
    return true;
}

// How an operation begins.
uring_backend::step uring_backend::first_step(operation& op) noexcept {
    if (op.code == opcode::sendfile) return step::polling;
    if (!op.takes_buffer || op.address != nullptr) return step::sent;
    // A plain read, unlike recv, might block after all: somebody else may take what the poll saw.
    const bool may_lend = lent_ < lent_max || op.code == opcode::read;
    return may_lend && lend_buffer(op) ? step::sent : step::polling;
}

bool uring_backend::lend_buffer(operation& op) noexcept {
    op.address = detail::take_read_buffer();
    if (op.address == nullptr) return false;
    ++lent_;
    return true;
}

void uring_backend::take_buffer_back(operation& op) noexcept {
    detail::give_read_buffer(static_cast<std::byte*>(op.address));
    op.address = nullptr;
    --lent_;
}

// Of something that is ready.
std::int32_t uring_backend::read_now(operation& op) noexcept {
    if (op.address == nullptr && !lend_buffer(op)) return -ENOMEM;
    return detail::perform(op);
}

bool uring_backend::send_cancel(operation& op) noexcept {
    io_uring_sqe* const sqe = free_sqe();
    if (sqe == nullptr) return false;
    const std::uint64_t target = op.step == step::polling ? tag(op) | auxiliary_poll : tag(op);
    io_uring_prep_cancel64(sqe, target, 0);
    io_uring_sqe_set_data64(sqe, 0);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    return true;
}

// A plain call, and a poll in the ring when the socket has no room. The ring's own way would be two
// splices, which it hands to a thread: 1.4 to 1.9 times as slow for what is in the page cache.
void uring_backend::send_file(operation& op) noexcept {
    const std::int32_t result = detail::perform(op);
    if (result != -EAGAIN) {
        finish(op, result);
    } else if (!send(op, step::polling)) {
        op.step = step::backlogged;
        backlog_.push_back(op);
    }
}

void uring_backend::send_or_keep(operation& op) noexcept {
    if (op.code == opcode::sendfile) return send_file(op);
    // Behind those that wait already: but for reads, operations start in the order of submission.
    if (backlog_.empty() && send(op, first_step(op))) return;
    op.step = step::backlogged;
    backlog_.push_back(op);
}

void uring_backend::send_reads() noexcept {
    while (operation* op = reads_.pop_front()) {
        if (op->cancel_requested) {
            finish(*op, -ECANCELED);
        } else {
            send_or_keep(*op);
        }
    }
}

void uring_backend::drain_backlogs() noexcept {
    while (operation* op = cancel_backlog_.front()) {
        if (!send_cancel(*op)) return;
        cancel_backlog_.remove(*op);
    }
    while (operation* op = backlog_.front()) {
        if (!op->cancel_requested && !send(*op, first_step(*op))) return;
        backlog_.remove(*op);
        if (op->cancel_requested) finish(*op, -ECANCELED);
    }
}

// One io_uring_enter: submits what is queued, lets the kernel finish what it deferred, and waits
// for one completion when asked to.
std::error_code uring_backend::enter(bool block) noexcept {
    const int result = block ? io_uring_submit_and_wait(ring_.get(), 1)
                             : io_uring_submit_and_get_events(ring_.get());
    if (result >= 0) return {};
    switch (-result) {
        // A signal came: the caller looks around and calls again.
        case EINTR:
            return {};
        // The kernel is short of memory or wants its completions to be reaped first. What is in
        // the SQ ring stays there, and the next poll offers it again.
        case EAGAIN:
        case EBUSY:
            return {};
        default:
            return errno_code(result);
    }
}

// Bounded by what is in the ring now, at most its size; completions that arrive meanwhile are the
// next poll's. No smaller bound is needed: a completion only appends to the ready queue, and it is
// the ready queue whose work the loop portions.
void uring_backend::reap() noexcept {
    ::io_uring* const raw = ring_.get();
    for (unsigned count = io_uring_cq_ready(raw); count > 0; --count) {
        io_uring_cqe* slot = nullptr;
        if (io_uring_peek_cqe(raw, &slot) != 0) return;
        // Copied and given back first, so that the kernel has room while the owner is told.
        const io_uring_cqe cqe = *slot;
        io_uring_cq_advance(raw, 1);
        const std::uint64_t address = cqe.user_data & ~auxiliary_poll;
        if (address == 0) continue;  // a cancel's own
        auto& op = *reinterpret_cast<operation*>(static_cast<std::uintptr_t>(address));
        if ((cqe.user_data & auxiliary_poll) != 0) {
            became_ready(op, cqe.res);
        } else {
            complete(op, cqe.res, (cqe.flags & IORING_CQE_F_MORE) != 0);
        }
    }
}

void uring_backend::complete(operation& op, std::int32_t result, bool more) noexcept {
    if (more) {
        op.on_shot(result, true);
        return;
    }
    const bool interrupted = result == -EINTR;
    if (!interrupted && !waits_for_readiness(op, result)) {
        finish(op, result);
    } else if (op.cancel_requested) {
        finish(op, -ECANCELED);
    } else if (interrupted || !send(op, step::polling)) {
        send_or_keep(op);
    }
}

void uring_backend::became_ready(operation& op, std::int32_t result) noexcept {
    if (result < 0) {
        finish(op, result);
    } else if (op.cancel_requested) {
        finish(op, -ECANCELED);
    } else if (op.code == opcode::connect) {
        finish(op, outcome_of_connect(op.fd));
    } else if (op.takes_buffer && op.code == opcode::recv) {
        const std::int32_t outcome = read_now(op);
        if (outcome != -EAGAIN) return finish(op, outcome);
        take_buffer_back(op);
        send_or_keep(op);
    } else {
        send_or_keep(op);
    }
}

void uring_backend::finish(operation& op, std::int32_t result) noexcept {
    // Its cancel has not even been sent: it is not needed any more.
    list_hook<parked_tag>& waiting = op;
    if (waiting.is_linked()) cancel_backlog_.remove(op);
    if (op.takes_buffer && op.address != nullptr) {
        result > 0 ? static_cast<void>(--lent_) : take_buffer_back(op);
    }
    in_flight_.remove(op);
    finished(op, result, ready_);
}

}  // namespace mayhem
