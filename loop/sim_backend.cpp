// Submit notes, poll does everything; see the header for an operation's way.
#include "loop/sim_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

#include "loop/error.hpp"
#include "loop/kernel.hpp"
#include "loop/system_call.hpp"

namespace mayhem {

namespace {

bool is_regular_file(int fd) noexcept {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool is_transfer(opcode code) noexcept {
    return code == opcode::recv || code == opcode::send || code == opcode::read ||
           code == opcode::write || code == opcode::sendfile;
}

bool writes(opcode code) noexcept {
    return code == opcode::send || code == opcode::sendmsg || code == opcode::write ||
           code == opcode::sendfile || code == opcode::connect;
}

/// Operations that take from, or add to, a sequence; of them the earlier one is served earlier.
bool keeps_order(const operation& op) noexcept {
    if (op.code == opcode::nop || op.code == opcode::poll) return false;
    if (op.code == opcode::sendfile) return true;  // the offset is the file's
    return op.fd >= 0 && op.offset == operation::current_position;
}

}  // namespace

std::expected<std::unique_ptr<backend>, std::error_code> sim_backend::create(
    ready_queue& ready, const sim_options& options) {
    unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return std::unexpected(errno_code(errno));
    return std::unique_ptr<backend>(new sim_backend(ready, std::move(epoll), options));
}

sim_backend::sim_backend(ready_queue& ready, unique_fd epoll, const sim_options& options)
    : epoll_backend(ready, std::move(epoll)), ready_(ready), kernel_(sim_kernel::join(options)) {}

sim_backend::~sim_backend() { kernel_.leave(); }

// ---- Starting and cancelling --------------------------------------------------------------

bool sim_backend::is_ours(const operation& op) const noexcept {
    switch (op.code) {
        case opcode::nop:
        case opcode::openat:
        case opcode::statx:
        case opcode::fsync:
            return true;
        case opcode::read:
        case opcode::write:
            return kernel::is_simulated(op.fd) || is_regular_file(op.fd);
        default:
            return kernel::is_simulated(op.fd);
    }
}

void sim_backend::submit(operation& op) noexcept {
    if (!is_ours(op)) return epoll_backend::submit(op);
    started(op);
    if (op.code == opcode::close) forget(op.fd);
    try {
        entries_.push_back({.op = &op, .activity = ~std::uint64_t{0}});
        due_.reserve(entries_.size());  // poll has nobody to tell that memory ran out
    } catch (const std::bad_alloc&) {
        std::erase_if(entries_, [&](const entry& item) { return item.op == &op; });
        return finished(op, -ENOMEM, ready_);
    }
    // An error that is there already: no cancel can hide it any more.
    const bool is_wild = kernel::is_simulated(op.fd) && !kernel_.is_open(op.fd);
    if (is_wild) decide(entries_.back(), -EBADF);
}

// On a simulated descriptor nothing completes at once: its delays are the simulation's own.
bool sim_backend::start(operation& op) noexcept {
    if (!is_ours(op)) return epoll_backend::start(op);
    submit(op);
    return false;
}

sim_backend::entry* sim_backend::find(const operation& op) noexcept {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const entry& item) { return item.op == &op; });
    return found == entries_.end() ? nullptr : &*found;
}

void sim_backend::cancel(operation& op) noexcept {
    if (op.state != operation_state::in_flight) return;
    entry* const item = find(op);
    if (item == nullptr) return epoll_backend::cancel(op);
    op.cancel_requested = true;
    if (item->at == stage::decided) return;
    const unsigned late = kernel_.faults().options().late_cancel_percent;
    const bool too_late = !op.is_multishot && is_ready(*item) && kernel_.faults().chance(late);
    if (!too_late) return decide(*item, -ECANCELED);
    item->at = stage::granted;
    item->due = kernel_.faults().now();
}

void sim_backend::cancel_all() noexcept {
    for (const entry& item : entries_) {
        if (item.op != nullptr) cancel(*item.op);
    }
    epoll_backend::cancel_all();
}

void sim_backend::forget(int fd) noexcept {
    if (!kernel::is_simulated(fd)) epoll_backend::forget(fd);
    for (entry& item : entries_) {
        const bool waits = item.op != nullptr && item.at != stage::decided;
        if (waits && item.op->fd == fd && item.op->code != opcode::close) {
            decide(item, -ECANCELED);
        }
    }
}

// ---- Time ---------------------------------------------------------------------------------

time_point sim_backend::next_completion() const noexcept {
    time_point next = never;
    for (const entry& item : entries_) {
        if (item.op != nullptr && item.at != stage::waiting) next = std::min(next, item.due);
    }
    return next;
}

std::size_t sim_backend::waiting() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(),
        [](const entry& item) { return item.op != nullptr && item.at == stage::waiting; }));
}

std::error_code sim_backend::poll(wait mode) noexcept {
    shots_ = 0;
    progress();
    const auto is_idle = [&] { return ready_.empty() && shots_ == 0; };
    while (mode == wait::yes && is_idle() && next_completion() != never) {
        set_time(std::max(kernel_.faults().now(), next_completion()));
        progress();
    }
    return epoll_backend::poll(is_idle() ? mode : wait::no);
}

/// Does all that can be done at this moment. What is submitted meanwhile is the next poll's, so
/// that an owner who starts again from its shot cannot keep us here.
void sim_backend::progress() noexcept {
    const std::size_t count = entries_.size();
    while (grant(count)) {
        collect_due(count);
        for (const due_entry& next : due_) take_effect(next.index);
    }
    std::erase_if(entries_, [](const entry& item) { return item.op == nullptr; });
}

/// @returns true when there is something to do now.
bool sim_backend::grant(std::size_t count) noexcept {
    sim_faults& faults = kernel_.faults();
    bool found = false;
    for (std::size_t index = 0; index < count; ++index) {
        entry& item = entries_[index];
        if (item.op == nullptr) continue;
        if (item.at == stage::waiting && is_ready(item) && is_first(index)) {
            item.at = stage::granted;
            item.due = faults.now() + faults.delay();
        }
        found = found || (item.at != stage::waiting && item.due <= faults.now());
    }
    return found;
}

bool sim_backend::is_ready(const entry& item) noexcept {
    const operation& op = *item.op;
    if (!kernel::is_simulated(op.fd)) return true;
    const bool is_watch = op.code == opcode::poll && op.is_multishot;
    return kernel_.is_ready(op) && (!is_watch || kernel_.look(op.fd).activity != item.activity);
}

bool sim_backend::is_first(std::size_t index) const noexcept {
    const operation& op = *entries_[index].op;
    if (!keeps_order(op)) return true;
    return std::none_of(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(index),
                        [&](const entry& earlier) {
                            return earlier.op != nullptr && earlier.at != stage::decided &&
                                   earlier.op->fd == op.fd && keeps_order(*earlier.op) &&
                                   writes(earlier.op->code) == writes(op.code);
                        });
}

/// What is due, the earliest first, and by lot what is due at the same time.
void sim_backend::collect_due(std::size_t count) {
    sim_faults& faults = kernel_.faults();
    due_.clear();
    for (std::size_t index = 0; index < count; ++index) {
        const entry& item = entries_[index];
        if (item.op == nullptr || item.at == stage::waiting || item.due > faults.now()) continue;
        const std::uint64_t lot = faults.options().permute ? faults.below(1U << 30U) : index;
        due_.push_back({item.due, lot, index});
    }
    std::sort(due_.begin(), due_.end(), [](const due_entry& left, const due_entry& right) {
        return left.due != right.due ? left.due < right.due : left.lot < right.lot;
    });
}

// ---- Effects ------------------------------------------------------------------------------

void sim_backend::take_effect(std::size_t index) noexcept {
    entry& item = entries_[index];
    if (item.op == nullptr || item.at == stage::waiting) return;  // a neighbour's shot ended it
    if (item.at == stage::decided) return complete(item);
    sim_faults& faults = kernel_.faults();
    if (faults.chance(faults.options().retry_percent)) {
        item.due = faults.now() + faults.delay();
        return;
    }
    operation& op = *item.op;
    if (op.code == opcode::poll && op.is_multishot) {
        const auto [events, activity] = kernel_.look(op.fd);
        item.activity = activity;
        return shoot(index, static_cast<std::int32_t>(events & (op.flags | POLLERR | POLLHUP)));
    }
    const std::int32_t result = perform(op);
    // A connect to a unix listener whose queue is full answers EAGAIN, and that is its result.
    const bool must_wait = result == -EAGAIN && op.code != opcode::connect;
    if (must_wait) {
        item.at = stage::waiting;
    } else if (op.is_multishot && result >= 0) {
        shoot(index, result);
    } else {
        decide(item, result);
        if (item.due <= faults.now()) complete(item);
    }
}

std::int32_t sim_backend::perform(operation& op) noexcept {
    if (op.code == opcode::nop) return 0;
    sim_faults& faults = kernel_.faults();
    const bool is_real = !kernel::is_simulated(op.fd);
    const bool divisible = is_transfer(op.code) && op.length > 1 &&
                           (op.flags & (MSG_PEEK | MSG_WAITALL)) == 0 &&
                           (is_real || kernel_.may_split(op));
    const std::uint32_t asked = op.length;
    if (divisible && faults.chance(faults.options().short_percent)) {
        op.length = 1 + static_cast<std::uint32_t>(faults.below(asked - 1));
    }
    const std::int32_t result = detail::with_buffer(
        op, [&](operation& now) { return is_real ? perform_on_file(now) : kernel_.perform(now); });
    op.length = asked;
    return result;
}

std::int32_t sim_backend::perform_on_file(operation& op) noexcept {
    const sim_call call = sim_kernel::call_of(op);
    sim_faults& faults = kernel_.faults();
    const int failure = faults.failure_of(call);
    return faults.note(call, failure != 0 ? -failure : detail::perform(op));
}

/// A completion of a multishot operation. The owner may cancel this one, or others, from inside;
/// after the last one it may start it again.
void sim_backend::shoot(std::size_t index, std::int32_t result) noexcept {
    ++shots_;
    entry& item = entries_[index];
    item.at = stage::waiting;
    sim_faults& faults = kernel_.faults();
    if (faults.chance(faults.options().end_multishot_percent)) {
        item.result = result;
        return complete(item);
    }
    item.op->on_shot(result, true);
}

void sim_backend::decide(entry& item, std::int32_t result) noexcept {
    item.at = stage::decided;
    item.due = kernel_.faults().now() + kernel_.faults().delay();
    item.result = result;
}

void sim_backend::complete(entry& item) noexcept {
    operation& op = *std::exchange(item.op, nullptr);
    if (op.is_multishot) ++shots_;
    finished(op, item.result, ready_);
}

}  // namespace mayhem
