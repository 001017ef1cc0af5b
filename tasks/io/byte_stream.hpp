// A stream of bytes in both directions: what TCP, unix sockets and pipes have in common.
//
// Nothing is buffered here: a read gives what the kernel has, a write is done when the kernel took
// it. That is the whole of back-pressure: whoever writes faster than the peer reads is suspended.
//
// One task may read while another writes; a second reader or writer is refused at once with EBUSY.
// Every call throws std::system_error when the kernel refuses, and `cancelled` when the task was
// cancelled; the `try_` forms give the error as a value, but throw `cancelled` all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "tasks/coro/coro.hpp"
#include "tasks/io/address.hpp"
#include "tasks/io/byte_chunk.hpp"
#include "tasks/io/descriptor.hpp"
#include "tasks/io/io_awaiter.hpp"
#include "tasks/io/stream_error.hpp"
#include "tasks/io/transfer_all.hpp"

namespace mayhem {

class file;

namespace detail {

/// The awaiter of one read or write of `on`.
template <bool Throws>
[[nodiscard]] io_call<std::size_t, Throws> read_call(descriptor& on, std::span<std::byte> buffer) {
    return io_call<std::size_t, Throws>(&on, io_use::read,
                                        [&](operation& op) { prepare_reading(op, on, buffer); });
}
template <bool Throws>
[[nodiscard]] io_call<std::size_t, Throws> write_call(descriptor& on,
                                                      std::span<const std::byte> data) {
    return io_call<std::size_t, Throws>(&on, io_use::write,
                                        [&](operation& op) { prepare_writing(op, on, data); });
}

}  // namespace detail

/// Move-only. It may be moved while operations are in flight, but not destroyed: `co_await close()`
/// first, or let the tasks that use it end. The destructor closes at once.
class byte_stream {
  public:
    /// An empty stream, to be assigned to.
    byte_stream() noexcept = default;

    /// Reads what is there, at least one byte: waits for it. @returns how many; 0 is the end of
    /// the stream. Bytes that have arrived are delivered even when the task is cancelled meanwhile.
    [[nodiscard]] auto read_some(std::span<std::byte> buffer) {
        return detail::read_call<true>(state(), buffer);
    }
    [[nodiscard]] auto try_read_some(std::span<std::byte> buffer) {
        return detail::read_call<false>(state(), buffer);
    }

    /// Reads what is there, at least one byte, and brings the memory for it: a chunk of at most
    /// byte_chunk::capacity bytes; an empty one is the end of the stream. While it waits it holds
    /// no buffer, so this is how to read from connections of which most are idle. asyncio's
    /// reader.read(n). Cancellation as above; ENOMEM leaves the bytes in the kernel.
    [[nodiscard]] auto read() { return detail::chunk_call<true>(state()); }
    [[nodiscard]] auto try_read() { return detail::chunk_call<false>(state()); }

    /// Fills the whole buffer; asyncio's readexactly. @throws std::system_error with
    /// stream_errc::end_of_stream when the stream ends before. Cancelled half-way, what was read
    /// is in `buffer`, but nobody knows how much: to go on after a cancellation, read through a
    /// line_reader, which keeps it.
    auto read_exactly(std::span<std::byte> buffer) {
        return detail::transfer_all<true>(state(), buffer);
    }
    auto try_read_exactly(std::span<std::byte> buffer) {
        return detail::transfer_all<false>(state(), buffer);
    }

    /// Writes what the kernel takes, at least one byte. @returns how many. A dead peer is EPIPE or
    /// ECONNRESET, never a signal.
    [[nodiscard]] auto write_some(std::span<const std::byte> data) {
        return detail::write_call<true>(state(), data);
    }
    [[nodiscard]] auto try_write_some(std::span<const std::byte> data) {
        return detail::write_call<false>(state(), data);
    }

    /// Writes everything; `data` must live until then. Cancelled half-way, a part is written: only
    /// closing makes sense after that.
    auto write_all(std::span<const std::byte> data) {
        return detail::transfer_all<true>(state(), data);
    }
    auto write_all(std::string_view text) { return write_all(std::as_bytes(std::span(text))); }
    auto try_write_all(std::span<const std::byte> data) {
        return detail::transfer_all<false>(state(), data);
    }

    /// Cancels what other tasks have in flight here (they see ECANCELED), waits for it, closes.
    /// Closing twice is fine. Not cancellable: see descriptor::close. asyncio's close() and
    /// wait_closed() in one.
    coro<void> close();

    /// Gives the descriptor away, as it is: to another loop, or to code that does without one. The
    /// stream is closed then. REQUIRES: nothing is in flight on it.
    [[nodiscard]] unique_fd release() noexcept { return state().release(); }

    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->is_open(); }
    /// The number, for ioctl and the like; -1 once closed.
    [[nodiscard]] int native_handle() const noexcept { return state_ ? state_->get() : -1; }

  protected:
    byte_stream(event_loop& loop, unique_fd fd, detail::io_kind kind)
        : state_(std::make_unique<detail::descriptor>(loop, std::move(fd), kind)) {}

    [[nodiscard]] detail::descriptor& state() const noexcept {
        MAYHEM_CHECK(state_ != nullptr, "a stream was used that is empty or was moved from");
        return *state_;
    }

  private:
    std::unique_ptr<detail::descriptor> state_;
};

/// A connected stream socket: the base of tcp_stream and unix_stream.
class socket_stream : public byte_stream {
  public:
    socket_stream() noexcept = default;

    /// Tells the peer that nothing more will be written (it reads to the end); reading goes on.
    /// asyncio's write_eof. Does nothing when the peer is gone already.
    void shutdown_write();

    /// Sends `count` bytes of a file from `offset` on, by default all that follow, without copying
    /// them through the program; the file's own position stays. @returns how many bytes were sent:
    /// fewer than `count` when the file ends before. Cancelled half-way, a part is sent: only
    /// closing makes sense after that. Throws std::system_error: EPIPE or ECONNRESET when the peer
    /// is gone, ECANCELED when the file or the stream is closed meanwhile. The file must be a
    /// regular one: of others most are refused (EINVAL, ESPIPE), and some devices never end. What
    /// is not in the page cache is read by the loop's thread, which waits for the disk. asyncio's
    /// loop.sendfile.
    coro<std::uint64_t> send_file(const file& from, std::uint64_t offset = 0,
                                  std::uint64_t count = whole_file);
    static constexpr std::uint64_t whole_file = std::uint64_t{1} << 62;

    /// Our end, and the peer's. @throws std::system_error(ENOTCONN) when the peer is gone.
    [[nodiscard]] address local_address() const;
    [[nodiscard]] address peer_address() const;

  protected:
    socket_stream(event_loop& loop, unique_fd fd)
        : byte_stream(loop, std::move(fd), detail::io_kind::socket) {}

    /// Sets a socket option to an int. @throws std::system_error
    void set_option(int level, int name, int value);
};

namespace detail {

/// A new socket that does not block and is not inherited. @throws std::system_error
[[nodiscard]] unique_fd make_socket(int family, int type);

/// Connects `socket` to `peer`; gives the error as a value, throws `cancelled`.
coro<std::expected<void, std::error_code>> connect_socket(descriptor& socket, address peer);

}  // namespace detail
}  // namespace mayhem
