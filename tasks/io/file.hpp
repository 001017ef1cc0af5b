// Files. asyncio has none, because its loop cannot wait for them; here the kernel does the work
// beside the loop on io_uring, and threads of the executor do it on epoll. Neither blocks the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <fcntl.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <system_error>

#include "tasks/coro/coro.hpp"
#include "tasks/io/descriptor.hpp"

namespace mayhem {

/// An open file. Move-only; it may be moved, but not destroyed, while operations are in flight.
/// A loop that is closed waits for a regular file's operation that has begun, as long as the disk
/// takes.
///
/// Calls throw std::system_error, whose text names the path. A cancellation ends what has not
/// begun; what the kernel or a thread has begun is finished and delivered, and `cancelled` is
/// thrown at the next await. (On io_uring, reads of pipes and terminals, which may never end, are
/// cancelled.)
class file {
  public:
    file() noexcept = default;
    file(file&&) noexcept = default;
    file& operator=(file&&) noexcept = default;
    ~file() = default;

    /// Opens `path`. `flags` as in open(2), close-on-exec is added; `mode` is for O_CREAT.
    static coro<file> open(std::string path, int flags = O_RDONLY, mode_t mode = 0666);
    static coro<std::expected<file, std::error_code>> try_open(std::string path,
                                                               int flags = O_RDONLY,
                                                               mode_t mode = 0666);

    /// Reads at the file's own position and moves it. @returns how many bytes, 0 at the end. (A
    /// line_reader works on a file, too.) One task at a time; a second one is refused with EBUSY.
    coro<std::size_t> read_some(std::span<std::byte> buffer);
    /// Reads at `offset`; any number of tasks may do that at once.
    coro<std::size_t> read_at(std::span<std::byte> buffer, std::uint64_t offset);

    /// Writes everything at the file's own position (with O_APPEND: at its end) and moves it. One
    /// task at a time. Cancelled half-way, a part is written.
    coro<void> write_all(std::span<const std::byte> data);
    coro<void> write_all(std::string_view text);
    /// Writes everything at `offset`.
    coro<void> write_all_at(std::span<const std::byte> data, std::uint64_t offset);

    /// How long the file is now, in bytes.
    [[nodiscard]] coro<std::uint64_t> size() const;

    /// Returns when what was written is on the disk. `data_only` (fdatasync) leaves out times and
    /// the like.
    coro<void> sync(bool data_only = false);

    /// Waits for what is in flight, and closes. Closing twice is fine; the destructor closes, too.
    coro<void> close() { return state().close(); }
    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->is_open(); }
    [[nodiscard]] int native_handle() const noexcept { return state_ ? state_->get() : -1; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    friend class socket_stream;  // sends files
    file(std::string path, unique_fd opened);
    [[nodiscard]] detail::descriptor& state() const noexcept;

    std::shared_ptr<detail::descriptor> state_;  // shared with a thread that works on the file
    std::string path_;
};

}  // namespace mayhem
