// Pipes, and whatever behaves like one: a terminal, the standard descriptors, a child's output.
#pragma once

#include "tasks/io/byte_stream.hpp"

namespace mayhem {

namespace detail {
/// Makes the process ignore SIGPIPE, unless it has a handler of its own: for calls that raise it
/// and have no flag against it.
void ignore_broken_pipes();
}  // namespace detail

/// The end that is read; every call is documented at byte_stream.
class pipe_reader : private byte_stream {
  public:
    pipe_reader() noexcept = default;
    /// Takes the descriptor over. It may block or not; it stays as it is.
    pipe_reader(event_loop& loop, unique_fd fd)
        : byte_stream(loop, std::move(fd), detail::io_kind::stream) {}

    using byte_stream::close;
    using byte_stream::is_open;
    using byte_stream::native_handle;
    using byte_stream::read;
    using byte_stream::read_exactly;
    using byte_stream::read_some;
    using byte_stream::try_read;
    using byte_stream::try_read_exactly;
    using byte_stream::try_read_some;
};

/// The end that is written. A pipe has no MSG_NOSIGNAL, so the first pipe_writer of a process makes
/// it ignore SIGPIPE (unless the program has its own handler): a reader who is gone is EPIPE.
class pipe_writer : private byte_stream {
  public:
    pipe_writer() noexcept = default;
    /// Takes the descriptor over. It may block or not; it stays as it is.
    pipe_writer(event_loop& loop, unique_fd fd);

    using byte_stream::close;
    using byte_stream::is_open;
    using byte_stream::native_handle;
    using byte_stream::try_write_all;
    using byte_stream::try_write_some;
    using byte_stream::write_all;
    using byte_stream::write_some;
};

/// Both ends of a new pipe.
struct pipe_ends {
    pipe_reader reader;
    pipe_writer writer;
};

/// A pipe within this process (or, moved into a child, between two). @throws std::system_error
[[nodiscard]] pipe_ends make_pipe();

/// This process's standard streams. The descriptor is duplicated: closing the stream leaves
/// descriptor 0, 1 or 2 open, and its O_NONBLOCK flag, which belongs to everybody who shares it (a
/// shell, a parent), is not touched. Regular files and /dev/null work, too.
/// @throws std::system_error(EBADF) when the process was started without it
[[nodiscard]] pipe_reader standard_input();
[[nodiscard]] pipe_writer standard_output();
[[nodiscard]] pipe_writer standard_error();

}  // namespace mayhem
