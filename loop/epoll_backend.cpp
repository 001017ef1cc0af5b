// The first half of an operation's way here: `start` tries, `park` waits; and its other end, when
// it is cancelled. What the kernel tells is in epoll_poll.cpp; the picture is in the header.
#include "loop/epoll_backend.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <initializer_list>
#include <new>
#include <sys/epoll.h>

#include "loop/check.hpp"
#include "loop/error.hpp"
#include "loop/system_call.hpp"
#include "loop/unblocked_call.hpp"

namespace mayhem {

namespace {

constexpr std::uint32_t everything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

/// Some of the opcodes.
class opcode_set {
  public:
    constexpr opcode_set(std::initializer_list<opcode> codes) noexcept {
        for (const opcode code : codes) bits_ |= bit(code);
    }
    [[nodiscard]] constexpr bool has(opcode code) const noexcept {
        return (bits_ & bit(code)) != 0;
    }

  private:
    static constexpr std::uint32_t bit(opcode code) noexcept {
        return std::uint32_t{1} << static_cast<unsigned>(code);
    }
    std::uint32_t bits_ = 0;
};

// What finishes inside `submit`, whatever the descriptor: it knows no readiness.
constexpr opcode_set immediate{opcode::nop, opcode::openat, opcode::statx, opcode::fsync,
                               opcode::close};
constexpr opcode_set writing{opcode::write, opcode::send, opcode::sendmsg, opcode::sendfile,
                             opcode::connect};

}  // namespace

std::expected<std::unique_ptr<backend>, std::error_code> epoll_backend::create(ready_queue& ready) {
    unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return std::unexpected(errno_code(errno));
    return std::unique_ptr<backend>(new epoll_backend(ready, std::move(epoll)));
}

epoll_backend::epoll_backend(ready_queue& ready, unique_fd epoll)
    : ready_(ready), epoll_(std::move(epoll)) {}

epoll_backend::~epoll_backend() {
    MAYHEM_CHECK(in_flight() == 0, "the epoll backend was destroyed with operations in flight");
    while (unchecked_.pop_front() != nullptr) {
    }
}

// A new entry for `fd`, or -EBADF when there is no such descriptor. Asked before the table grows: a
// wild number must not make it grow without bound.
std::expected<epoll_backend::descriptor*, std::int32_t> epoll_backend::add(int fd) noexcept {
    if (fd < 0 || ::fcntl(fd, F_GETFD) < 0) return std::unexpected(-EBADF);
    try {
        while (known(fd) == nullptr) {
            table_.push_back(std::make_unique<std::array<descriptor, page_entries>>());
            for (descriptor& entry : *table_.back()) entry.owner = this;
        }
    } catch (const std::bad_alloc&) {
        return std::unexpected(-ENOMEM);
    }
    return known(fd);
}

epoll_backend::parked_list& epoll_backend::side(operation& op, descriptor& entry) noexcept {
    if (op.code == opcode::poll) return entry.polls;
    return writing.has(op.code) ? entry.writers : entry.readers;
}

void epoll_backend::submit(operation& op) noexcept {
    if (start(op)) ready_.push(op);
}

bool epoll_backend::start(operation& op) noexcept {
    if (immediate.has(op.code)) {
        if (op.code == opcode::close) forget(op.fd);
        return finished_at_once(op, detail::perform(op));
    }
    descriptor* place = known(op.fd);
    if (place == nullptr) [[unlikely]] {
        const auto added = add(op.fd);
        if (!added) return refuse(op, added.error());
        place = *added;
    }
    descriptor& entry = *place;
    if (op.is_multishot) {
        start_multishot(op, entry);
        return false;
    }
    // Those who came earlier are served earlier.
    if (parked_list& line = side(op, entry); !line.empty() && op.code != opcode::poll) {
        started(op);
        line.push_back(op);
        return false;
    }
    if (entry.drained && can_drain(op) && (entry.filled == 0 || entry.filled == op.length)) {
        started(op);
        park_on_trust(op, entry);
        return false;
    }
    const std::int32_t result = op.code == opcode::send ? detail::send_now(op) : attempt(op, entry);
    if (!must_wait(op, result)) return finished_at_once(op, result);
    started(op);
    park(op, entry);
    return false;
}

bool epoll_backend::refuse(operation& op, std::int32_t error) noexcept {
    if (!op.is_multishot) return finished_at_once(op, error);
    started(op);
    decide(op, error);
    return false;
}

void epoll_backend::park_on_trust(operation& op, descriptor& entry) noexcept {
    if (entry.trusted == trust::unknown) {
        entry.trusted = detail::is_tcp(op.fd) ? trust::full : trust::until_checked;
    }
    list_hook<unchecked_tag>& waiting = entry;
    const bool must_check = entry.filled != 0 || entry.trusted == trust::until_checked;
    if (must_check && !waiting.is_linked()) unchecked_.push_back(entry);
    entry.readers.push_back(op);
}

void epoll_backend::cancel(operation& op) noexcept {
    if (op.state != operation_state::in_flight) return;
    if (op.step == step::decided) return;
    op.cancel_requested = true;
    unpark(op);
    if (descriptor* const place = known(op.fd)) place->drained = false;  // it may read again
    decide(op, -ECANCELED);
}

// What is in flight here is parked, so there is no list of it besides.
void epoll_backend::cancel_all() noexcept {
    for (const auto& page : table_) {
        for (descriptor& entry : *page) {
            drop(entry.readers);
            drop(entry.writers);
            drop(entry.polls);
        }
    }
    // Here `cancel` may move the operation, so the next one is looked up first.
    operation* following = nullptr;
    for (operation* op = due_.front(); op != nullptr; op = following) {
        following = due_.next(*op);
        cancel(*op);
    }
}

// Whatever is in flight here is parked: at its descriptor, or among the due. A list needs not be
// known to be left.
void epoll_backend::unpark(operation& op) noexcept { due_.remove(op); }

void epoll_backend::forget(int fd) noexcept {
    descriptor* const place = known(fd);
    if (place == nullptr) return;
    descriptor& entry = *place;
    drop(entry.readers);
    drop(entry.writers);
    drop(entry.polls);
    operation* following = nullptr;
    for (operation* op = due_.front(); op != nullptr; op = following) {
        following = due_.next(*op);
        if (op->fd == fd) cancel(*op);
    }
    // An explicit DEL: closing is not enough while a duplicate of the descriptor lives.
    if (entry.registered) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    list_hook<unchecked_tag>& waiting = entry;
    if (waiting.is_linked()) unchecked_.remove(entry);
    entry.registered = false;
    entry.drained = false;
    entry.filled = 0;
    entry.emptied = 0;
    entry.ending = false;
    entry.trusted = trust::unknown;
    entry.kind = detail::descriptor_kind::unknown;
}

void epoll_backend::drop(parked_list& waiting) noexcept {
    while (operation* op = waiting.front()) cancel(*op);
}

void epoll_backend::park(operation& op, descriptor& entry) noexcept {
    if (op.code == opcode::connect) op.step = step::connecting;
    // A multishot poll wants to hear of what is ready already, so a registration that exists is
    // made anew: that reports it again.
    const bool again = op.code == opcode::poll && op.is_multishot;
    if (const int error = watch(op.fd, entry, again); error != 0) {
        decide(op, -error);
        return;
    }
    side(op, entry).push_back(op);
}

int epoll_backend::watch(int fd, descriptor& entry, bool again) noexcept {
    if (entry.registered && !again) return 0;
    epoll_event event{.events = everything, .data = {.ptr = &entry}};
    const int first = entry.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int result = ::epoll_ctl(epoll_.get(), first, fd, &event);
    // Our note and the kernel's disagree when somebody closed the descriptor without telling, or
    // it was registered by such a one. The kernel is right.
    if (result != 0 && (errno == ENOENT || errno == EEXIST)) {
        const int second = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        result = ::epoll_ctl(epoll_.get(), second, fd, &event);
    }
    if (result != 0) return errno;
    entry.registered = true;
    return 0;
}

}  // namespace mayhem
