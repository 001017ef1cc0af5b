#include "tasks/io/unix.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/kernel.hpp"

namespace mayhem {
namespace {

/// True when somebody accepts connections at `where` (or is too busy to, which is an answer, too).
bool somebody_answers(const address& where) {
    const unique_fd probe = detail::make_socket(AF_UNIX, SOCK_STREAM);
    if (kernel::connect(probe.get(), where.data(), where.size()) == 0) return true;
    return errno != ECONNREFUSED && errno != ENOENT;
}

bool is_socket(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

int bind_to(const unique_fd& socket, const address& where) {
    return kernel::bind(socket.get(), where.data(), where.size()) == 0 ? 0 : errno;
}

}  // namespace

coro<std::expected<unix_stream, std::error_code>> unix_stream::try_connect(std::string path) {
    const address peer = address::unix_path(path);
    unix_stream stream(get_running_loop(), detail::make_socket(AF_UNIX, SOCK_STREAM));
    const auto connected = co_await detail::connect_socket(stream.state(), peer);
    if (!connected) co_return std::unexpected(connected.error());
    co_return std::move(stream);
}

coro<unix_stream> unix_stream::connect(std::string path) {
    auto stream = co_await try_connect(path);
    if (!stream) throw std::system_error(stream.error(), "connect to " + path);
    co_return std::move(*stream);
}

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    int ends[2] = {-1, -1};
    if (kernel::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        throw_errno(errno, "socketpair");
    }
    unique_fd first(ends[0]);
    unique_fd second(ends[1]);
    event_loop& loop = get_running_loop();
    return {unix_stream(loop, std::move(first)), unix_stream(loop, std::move(second))};
}

peer_credentials unix_stream::credentials() const {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (kernel::getsockopt(state().get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        throw_errno(errno, "SO_PEERCRED");
    }
    return {.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
}

// ---- Listening ----------------------------------------------------------------------------

unix_listener::unix_listener(std::string path, unique_fd listening)
    : state_(new detail::acceptor(get_running_loop(), std::move(listening))),
      path_(std::move(path)) {
    struct stat status{};
    if (::lstat(path_.c_str(), &status) != 0) return;
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

unix_listener unix_listener::bind(std::string path, const unix_listen_options& options) {
    const address where = address::unix_path(path);
    unique_fd socket = detail::make_socket(AF_UNIX, SOCK_STREAM);
    // Linux gives the file the mode of the socket, so it is never open to others, not even for the
    // moment between bind and chmod. The umask is taken off; chmod puts back what that took.
    kernel::fchmod(socket.get(), options.mode);
    int error = bind_to(socket, where);
    if (error == EADDRINUSE && is_socket(path) && !somebody_answers(where)) {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
            throw_errno(errno, "remove the stale socket " + path);
        }
        error = bind_to(socket, where);
    }
    if (error == EADDRINUSE && !is_socket(path)) {
        throw_errno(error, path + " exists and is not a socket; it is left alone");
    }
    if (error == EADDRINUSE) throw_errno(error, "somebody listens at " + path + " already");
    if (error != 0) throw_errno(error, "bind to " + path);
    unix_listener made(std::move(path),
                       std::move(socket));  // removes the file if what follows fails
    if (::chmod(made.path_.c_str(), options.mode) != 0) throw_errno(errno, "chmod " + made.path_);
    if (kernel::listen(made.state().get(), options.backlog) != 0) {
        throw_errno(errno, "listen at " + made.path_);
    }
    return made;
}

detail::acceptor& unix_listener::state() const noexcept {
    MAYHEM_CHECK(state_ != nullptr, "a listener was used that is empty or was moved from");
    return *state_;
}

unix_listener& unix_listener::operator=(unix_listener&& other) noexcept {
    remove_file();
    detail::acceptor::abandon(std::exchange(state_, std::move(other.state_)));
    path_ = std::move(other.path_);
    device_ = other.device_;
    inode_ = other.inode_;
    return *this;
}

unix_listener::~unix_listener() {
    remove_file();
    detail::acceptor::abandon(std::move(state_));
}

coro<void> unix_listener::close() {
    remove_file();
    return state().close();
}

/// Removed while it still listens: whoever comes next finds nothing, and not a refusal.
void unix_listener::remove_file() noexcept {
    if (!is_open() || inode_ == 0) return;
    struct stat status{};
    if (::lstat(path_.c_str(), &status) != 0) return;
    const bool ours = status.st_dev == device_ && status.st_ino == inode_;
    if (ours) ::unlink(path_.c_str());
}

}  // namespace mayhem
