#include "tasks/io/byte_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <sys/socket.h>

#include "loop/kernel.hpp"
#include "tasks/io/file.hpp"
#include "tasks/io/send_file.hpp"
#include "tasks/sleep.hpp"

namespace mayhem {
coro<void> byte_stream::close() { return state().close(); }

void socket_stream::shutdown_write() {
    if (kernel::shutdown(state().get(), SHUT_WR) == 0 || errno == ENOTCONN) return;
    throw_errno(errno, fmt::format("shutdown on descriptor {}", state().get()));
}

coro<std::uint64_t> socket_stream::send_file(const file& from, std::uint64_t offset,
                                             std::uint64_t count) {
    static_cast<void>(from.state());
    return detail::send_file(state(), from.state_, offset, count, from.path());
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

coro<std::expected<void, std::error_code>> connect_socket(descriptor& socket, address peer) {
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
