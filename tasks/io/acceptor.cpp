#include "tasks/io/acceptor.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <utility>

#include "loop/error.hpp"
#include "loop/kernel.hpp"
#include "loop/log.hpp"
#include "tasks/io/byte_stream.hpp"
#include "tasks/io/close_wait.hpp"

namespace mayhem::detail {
namespace {

// Connections that wait here for a task; beyond that they wait in the kernel's backlog.
constexpr std::size_t accepted_max = 64;

constexpr std::chrono::milliseconds shortest_pause{100};
constexpr std::chrono::milliseconds longest_pause{1000};

enum class remedy { pause, again, none };

/// What to do about a failed accept: wait for descriptors or memory, go on (the error was about
/// one connection, or is passing), or give up.
remedy remedy_of(int error) noexcept {
    switch (error) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return remedy::pause;
        // accept(2): errors of the network that were pending on the new connection.
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ETIMEDOUT:
        case EPERM:  // a firewall forbade this one
        case EINTR:
        case EAGAIN:
            return remedy::again;
        default:  // EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP: this socket will never accept
            return remedy::none;
    }
}

}  // namespace

// ---- The waiting task ---------------------------------------------------------------------

accept_wait::accept_wait(acceptor& from) : from_(from) { from_.check_thread("accept"); }

bool accept_wait::await_ready() {
    if (!from_.is_open()) {
        error_ = EBADF;
    } else if (!from_.accepted_.empty()) {
        connection_ = std::move(from_.accepted_.front());
        from_.accepted_.pop_front();
        if (from_.accepted_.size() <= accepted_max / 2) from_.arm();
    } else {
        error_ = from_.fatal_;
    }
    return connection_ || error_ != 0;
}

wait_queue& accept_wait::line() noexcept { return from_.waiting_; }
void accept_wait::want_more() { from_.arm(); }

unique_fd accept_wait::take() {
    if (was_cancelled()) throw_if_cancelled(true);
    return std::move(connection_);
}

// ---- The acceptor -------------------------------------------------------------------------

acceptor::acceptor(event_loop& loop, unique_fd listening)
    : loop_(loop), home_(loop.remote()), fd_(std::move(listening)) {}

acceptor::~acceptor() { close_now(); }

void acceptor::arm() noexcept {
    if (is_armed()) return;
    if (closing_ || pausing_ || fatal_ != 0) return;
    if (home_->is_closed()) return;
    prepare_accept(fd_.get(), true);
    loop_.submit(*this);
}

void acceptor::on_shot(std::int32_t shot, bool more) noexcept {
    if (shot >= 0) deliver(unique_fd(shot));
    if (more) return;
    const std::unique_ptr<acceptor> abandoned = std::move(self_);  // ends here, with this call
    if (closing_) {
        ended_.wake_all();
    } else if (shot < 0 && shot != -ECANCELED) {
        failed(-shot);
    } else if (accepted_.size() < accepted_max) {
        arm();  // the kernel may end a multishot accept at any time
    }
}

void acceptor::deliver(unique_fd connection) noexcept {
    pause_ = duration{0};
    if (closing_) return;
    if (auto* waiter = static_cast<accept_wait*>(waiting_.wake_one())) {
        waiter->connection_ = std::move(connection);
        return;
    }
    try {
        accepted_.push_back(std::move(connection));
    } catch (const std::bad_alloc&) {
        return;  // no memory for a number: the connection is closed, and the peer sees it
    }
    // Some more may be on their way already; they are kept, too.
    if (accepted_.size() >= accepted_max && is_armed()) loop_.cancel(*this);
}

void acceptor::failed(int error) noexcept {
    switch (remedy_of(error)) {
        case remedy::pause:
            return pause(error);
        case remedy::again:
            return arm();
        case remedy::none:
            fatal_ = error;
            return fail_waiters(error);
    }
}

/// Descriptors or memory ran out. Trying again at once would spin; giving up would end the service
/// for good because of a moment's load.
void acceptor::pause(int error) noexcept {
    const bool first = pause_ == duration{0};
    pause_ = first ? duration(shortest_pause) : std::min<duration>(pause_ * 2, longest_pause);
    try {
        if (first) {
            const auto name = name_of(fd_.get());
            log(log_level::error,
                "accept on {}: {}; no new connections until some are free (`ulimit -n` raises the "
                "limit of descriptors). Trying again every {} to {} ms",
                name ? name->to_string() : "a socket", errno_code(error).message(),
                shortest_pause.count(), longest_pause.count());
        }
        // When nobody waits, the next accept() arms it.
        if (waiting_.empty()) return;
        retry_ = loop_.call_later(pause_, [this] {
            pausing_ = false;
            arm();
        });
        pausing_ = true;
    } catch (...) {
        fail_waiters(error);
    }
}

void acceptor::fail_waiters(int error) noexcept {
    while (auto* waiter = static_cast<accept_wait*>(waiting_.wake_one())) waiter->error_ = error;
}

// ---- Closing ------------------------------------------------------------------------------

/// Nothing is accepted any more, and those who wait are told.
void acceptor::stop() noexcept {
    closing_ = true;
    fail_waiters(ECANCELED);
    accepted_.clear();
    if (home_->is_closed()) return;
    retry_.cancel();
    if (is_armed()) loop_.cancel(*this);
}

void acceptor::close_now() noexcept {
    MAYHEM_CHECK(!is_armed(), "an acceptor was closed while the kernel accepted for it");
    if (!fd_) return;
    stop();
    if (!home_->is_closed()) loop_.release(fd_.get());
    fd_.reset();
}

coro<void> acceptor::close() {
    if (!fd_) co_return;
    stop();
    while (is_armed()) {
        close_wait ended(ended_, "accept to end before close");
        co_await ended;
    }
    close_now();
}

void acceptor::abandon(std::unique_ptr<acceptor> owned) noexcept {
    if (!owned) return;
    acceptor& self = *owned;
    self.stop();
    if (!self.is_armed()) return;
    // The descriptor stays open until the kernel lets go of it. Shut down, it refuses connections
    // from this moment on.
    kernel::shutdown(self.fd_.get(), SHUT_RDWR);
    self.self_ = std::move(owned);
}

// ---- Listening ----------------------------------------------------------------------------

unique_fd listen_at(const address& where, int backlog, bool share_port) {
    unique_fd made = make_socket(where.family(), SOCK_STREAM);
    const int on = 1;
    if (where.is_ip()) {
        // Without it a restarted service waits a minute for the connections of its predecessor.
        kernel::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (share_port) kernel::setsockopt(made.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (kernel::bind(made.get(), where.data(), where.size()) != 0) {
        throw_errno(errno, "bind to " + where.to_string());
    }
    if (kernel::listen(made.get(), backlog) != 0)
        throw_errno(errno, "listen on " + where.to_string());
    return made;
}

}  // namespace mayhem::detail
