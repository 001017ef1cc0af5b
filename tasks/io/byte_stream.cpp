#include "tasks/io/byte_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <sys/socket.h>

#include "loop/kernel.hpp"
#include "tasks/sleep.hpp"

namespace mayhem {
namespace {

// One write carries at most this much, so that a cancellation never waits for a giant one.
constexpr std::size_t write_chunk_bytes = std::size_t{1} << 20;

using outcome = std::expected<void, std::error_code>;

// The bodies get the descriptor and not the stream: a stream may be moved meanwhile.

coro<std::expected<std::size_t, std::error_code>> fill(detail::descriptor& on,
                                                       std::span<std::byte> buffer) {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        const auto count = co_await detail::read_call<false>(on, buffer.subspan(filled));
        if (!count) co_return std::unexpected(count.error());
        if (*count == 0) break;
        filled += *count;
    }
    co_return filled;
}

coro<void> fill_or_throw(detail::descriptor& on, std::span<std::byte> buffer) {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        const std::size_t count = co_await detail::read_call<true>(on, buffer.subspan(filled));
        if (count == 0) {
            throw std::system_error(
                stream_errc::end_of_stream,
                fmt::format("read_exactly: {} of {} bytes came", filled, buffer.size()));
        }
        filled += count;
    }
}

coro<outcome> try_fill(detail::descriptor& on, std::span<std::byte> buffer) {
    const auto filled = co_await fill(on, buffer);
    if (!filled) co_return std::unexpected(filled.error());
    if (*filled < buffer.size()) co_return std::unexpected(stream_errc::end_of_stream);
    co_return outcome();
}

std::span<const std::byte> first_chunk(std::span<const std::byte> data) {
    return data.first(std::min(data.size(), write_chunk_bytes));
}

coro<void> drain_or_throw(detail::descriptor& on, std::span<const std::byte> data) {
    while (!data.empty()) {
        data = data.subspan(co_await detail::write_call<true>(on, first_chunk(data)));
    }
}

coro<outcome> try_drain(detail::descriptor& on, std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto count = co_await detail::write_call<false>(on, first_chunk(data));
        if (!count) co_return std::unexpected(count.error());
        data = data.subspan(*count);
    }
    co_return outcome();
}

}  // namespace

coro<void> byte_stream::read_exactly(std::span<std::byte> buffer) {
    return fill_or_throw(state(), buffer);
}

coro<outcome> byte_stream::try_read_exactly(std::span<std::byte> buffer) {
    return try_fill(state(), buffer);
}

coro<void> byte_stream::write_all(std::span<const std::byte> data) {
    return drain_or_throw(state(), data);
}

coro<void> byte_stream::write_all(std::string_view text) {
    return drain_or_throw(state(), std::as_bytes(std::span(text)));
}

coro<outcome> byte_stream::try_write_all(std::span<const std::byte> data) {
    return try_drain(state(), data);
}

coro<void> byte_stream::close() { return state().close(); }

void socket_stream::shutdown_write() {
    if (kernel::shutdown(state().get(), SHUT_WR) == 0 || errno == ENOTCONN) return;
    throw_errno(errno, fmt::format("shutdown on descriptor {}", state().get()));
}

address socket_stream::local_address() const {
    const auto name = detail::name_of(state().get());
    if (!name) throw_errno(errno, "getsockname");
    return *name;
}

address socket_stream::peer_address() const {
    const auto peer = detail::peer_of(state().get());
    if (!peer) throw_errno(errno, "getpeername");
    return *peer;
}

void socket_stream::set_option(int level, int name, int value) {
    if (kernel::setsockopt(state().get(), level, name, &value, sizeof value) == 0) return;
    throw_errno(errno, fmt::format("setsockopt on descriptor {}", state().get()));
}

namespace detail {

unique_fd make_socket(int family, int type) {
    unique_fd made(kernel::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) throw_errno(errno, "socket");
    return made;
}

coro<outcome> connect_socket(descriptor& socket, address peer) {
    // A unix listener whose queue is full answers EAGAIN, and the kernel does not tell when there
    // is room: ask again, less and less often.
    using std::chrono::milliseconds;
    constexpr milliseconds longest_pause{200};
    milliseconds pause{5};
    for (;;) {
        io_call<void, false> attempt(&socket, io_use::write, [&](operation& op) {
            op.prepare_connect(socket.get(), peer.data(), peer.size());
        });
        const auto connected = co_await attempt;
        const bool queue_full =
            !connected && connected.error() == std::errc::resource_unavailable_try_again;
        if (!queue_full || peer.family() != AF_UNIX) co_return connected;
        co_await sleep(pause);
        pause = std::min(pause * 2, longest_pause);
    }
}

}  // namespace detail
}  // namespace mayhem
