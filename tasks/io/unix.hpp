// Unix sockets: streams between processes of one machine, named by a path, with the kernel's word
// on who is at the other end.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <sys/types.h>
#include <system_error>
#include <utility>

#include "tasks/io/acceptor.hpp"
#include "tasks/io/address.hpp"
#include "tasks/io/byte_stream.hpp"

namespace mayhem {

/// Who connected, as the kernel noted it at that moment: it cannot be forged.
struct peer_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

class unix_stream final : public socket_stream {
  public:
    unix_stream() noexcept = default;
    /// Takes a connected socket over.
    unix_stream(event_loop& loop, unique_fd connected)
        : socket_stream(loop, std::move(connected)) {}

    /// Connects to the socket at `path`. Waits while the listener's queue is full.
    /// @throws std::system_error that names the path (ENOENT, ECONNREFUSED, EACCES)
    static coro<unix_stream> connect(std::string path);
    static coro<std::expected<unix_stream, std::error_code>> try_connect(std::string path);

    /// Two that are connected to each other; asyncio has socket.socketpair for it.
    static std::pair<unix_stream, unix_stream> pair();

    /// @throws std::system_error
    [[nodiscard]] peer_credentials credentials() const;
};

struct unix_listen_options {
    unix_listen_options() noexcept {}

    mode_t mode = 0600;  ///< who may connect: by default only the own user
    int backlog = 128;
};

/// Listens at a path. Move-only.
class unix_listener {
  public:
    unix_listener() noexcept = default;
    unix_listener(unix_listener&&) noexcept = default;
    unix_listener& operator=(unix_listener&& other) noexcept;
    /// Closes at once and removes the socket's file.
    ~unix_listener();

    /// Creates the socket at `path`, never more open than `mode`. A socket file that is left over
    /// from a dead process is replaced; one at which somebody answers, or that is no socket, is
    /// left alone. @throws std::system_error(EADDRINUSE) then
    static unix_listener bind(std::string path, const unix_listen_options& options = {});

    /// The next connection, as a unix_stream; as tcp_listener::accept.
    [[nodiscard]] auto accept() { return detail::accept_call<unix_stream, true>(state()); }
    [[nodiscard]] auto try_accept() { return detail::accept_call<unix_stream, false>(state()); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Closes, waits until the kernel has let go, and removes the file (unless it is somebody
    /// else's by now).
    coro<void> close();
    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->is_open(); }

  private:
    unix_listener(std::string path, unique_fd listening);
    [[nodiscard]] detail::acceptor& state() const noexcept;
    void remove_file() noexcept;

    std::unique_ptr<detail::acceptor> state_;
    std::string path_;
    dev_t device_ = 0;  // which file is ours: the path may be another's by the time we close
    ino_t inode_ = 0;
};

}  // namespace mayhem
