// The way of an operation here: `submit` tries, `park` waits, `poll` resumes; see the header for
// the picture. Nothing in this file waits but one epoll_wait.
#include "loop/epoll_backend.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <initializer_list>
#include <new>
#include <span>
#include <sys/epoll.h>

#include "loop/check.hpp"
#include "loop/clock.hpp"
#include "loop/error.hpp"
#include "loop/read_buffer.hpp"
#include "loop/system_call.hpp"
#include "loop/unblocked_call.hpp"

namespace mayhem {

namespace {

// One epoll_wait brings at most this many events; the rest keeps until the next poll.
constexpr int events_per_poll = 256;
static_assert(events_per_poll <= detail::read_buffers_kept, "each event may take a buffer");

// Readers on trust are looked after when the kernel tells of nothing, and so often while it does.
constexpr unsigned polls_between_checks = 16;

// A busy loop looks at the kernel no more often than this: a look costs as much as some tasks do,
// and a loop that sleeps hears of its events no sooner.
constexpr duration between_looks = std::chrono::microseconds(50);

// So many reads in a row filled their buffer and left nothing: messages have the buffer's size.
constexpr std::uint8_t reads_to_believe = 4;

constexpr std::uint32_t everything = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
constexpr std::uint32_t wakes_readers = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
// The end of a stream, an error, urgent data: a short read then tells nothing about what is left.
constexpr std::uint32_t ends_reading = EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t wakes_writers = EPOLLOUT | EPOLLHUP | EPOLLERR;

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
// For these a plain call could block on a descriptor that is blocking.
constexpr opcode_set blocked{opcode::read, opcode::write, opcode::accept};

// Of what `reap` returns.
std::error_code outcome(int reaped) noexcept {
    return reaped < 0 ? errno_code(-reaped) : std::error_code{};
}

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
    if (entry.drained && can_drain(op)) {
        started(op);
        park_on_trust(op, entry);
        return false;
    }
    const std::int32_t result = attempt(op, entry);
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

// Flags such as MSG_PEEK leave behind what they showed.
bool epoll_backend::can_drain(const operation& op) noexcept {
    if (op.code == opcode::recv) return op.flags == 0;
    return op.code == opcode::read && op.offset == operation::current_position;
}

void epoll_backend::park_on_trust(operation& op, descriptor& entry) noexcept {
    if (entry.trusted == trust::unknown) {
        entry.trusted = detail::is_tcp(op.fd) ? trust::full : trust::until_checked;
    }
    list_hook<unchecked_tag>& waiting = entry;
    const bool must_check = entry.filled || entry.trusted == trust::until_checked;
    if (must_check && !waiting.is_linked()) unchecked_.push_back(entry);
    entry.readers.push_back(op);
}

void epoll_backend::check_trusted() noexcept {
    polls_since_check_ = 0;
    while (descriptor* entry = unchecked_.pop_front()) resume(entry->readers, *entry);
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
    entry.filled = false;
    entry.emptied = 0;
    entry.ending = false;
    entry.trusted = trust::unknown;
    entry.kind = detail::descriptor_kind::unknown;
}

void epoll_backend::drop(parked_list& waiting) noexcept {
    while (operation* op = waiting.front()) cancel(*op);
}

// What nearly all operations are goes the shortest way: a call costs as much as what it does.
[[gnu::always_inline]] inline std::int32_t epoll_backend::attempt(operation& op,
                                                                  descriptor& entry) noexcept {
    if (op.code == opcode::send) return detail::send_now(op);
    if (op.code != opcode::recv || op.takes_buffer) return attempt_any(op, entry);
    const std::int32_t result = detail::recv_now(op);
    if (op.flags == 0) note_read(op, entry, result);
    return result;
}

std::int32_t epoll_backend::attempt_any(operation& op, descriptor& entry) noexcept {
    const std::int32_t result =
        detail::with_buffer(op, [&](operation& now) { return call(now, entry); });
    if (can_drain(op)) note_read(op, entry, result);
    return result;
}

// What a read tells about the next one.
inline void epoll_backend::note_read(const operation& op, descriptor& entry,
                                     std::int32_t result) noexcept {
    if (entry.filled) {
        const bool was_empty = result == -EAGAIN;
        entry.emptied = was_empty ? std::min<std::uint8_t>(entry.emptied + 1, reads_to_believe) : 0;
    }
    entry.filled = result > 0 && static_cast<std::uint32_t>(result) == op.length;
    const bool believed = !entry.filled || entry.emptied == reads_to_believe;
    entry.drained = result > 0 && believed && entry.registered && !entry.ending;
}

std::int32_t epoll_backend::call(operation& op, descriptor& entry) noexcept {
    if (op.step == step::connecting) return detail::outcome_of_connect(op.fd);
    if (blocked.has(op.code)) {
        if (entry.kind == detail::descriptor_kind::unknown) entry.kind = detail::classify(op.fd);
        if (entry.kind != detail::descriptor_kind::non_blocking) {
            return detail::perform_unblocked(op, entry.kind);
        }
    }
    return detail::perform(op);
}

// A connect to a unix socket whose queue is full answers EAGAIN, and no event will ever tell when
// there is room: that is its result.
bool epoll_backend::must_wait(const operation& op, std::int32_t result) noexcept {
    if (op.code == opcode::connect) return result == -EINPROGRESS;
    return result == -EAGAIN;
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

[[gnu::always_inline]] inline void epoll_backend::resume(parked_list& waiting,
                                                         descriptor& entry) noexcept {
    while (operation* op = waiting.front()) {
        if (op->is_multishot) [[unlikely]] {
            waiting.remove(*op);
            accept_burst(*op, entry);
            return;
        }
        const std::int32_t result = attempt(*op, entry);
        if (must_wait(*op, result)) return;
        waiting.remove(*op);
        finished(*op, result, ready_);
    }
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
            entry.filled = false;
            entry.ending = entry.ending || (event.events & ends_reading) != 0;
            resume(entry.readers, entry);
        }
        const bool may_write = (event.events & wakes_writers) != 0;
        if (may_write && !entry.writers.empty()) resume(entry.writers, entry);
        if (!entry.polls.empty()) report_polls(entry, event.events);
    }
    return count;
}

bool epoll_backend::is_look_due() noexcept {
    const time_point now = clock::now();
    if (now - last_look_ < between_looks) return false;
    last_look_ = now;
    return true;
}

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
        const auto is_time = [&] { return ++polls_since_check_ >= polls_between_checks; };
        if (some_trust && (count == 0 || is_time())) check_trusted();
        const bool may_sleep = may_block && some_trust && count == 0;
        if (!may_sleep || !ready_.empty()) return outcome(count);
    }
}

}  // namespace mayhem
