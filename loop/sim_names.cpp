// Names of sockets, and how those who know a name meet: bind, listen, connect, accept, datagrams.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>

#include "loop/kernel.hpp"
#include "loop/sim_address.hpp"
#include "loop/sim_kernel.hpp"

namespace mayhem {

using namespace detail;

namespace {

constexpr std::uint16_t first_free_port = 32768;
constexpr std::size_t longest_datagram = 65507;

bool shares_port(const sim_file& what) {
    const auto found = what.settings.find({SOL_SOCKET, SO_REUSEPORT});
    return found != what.settings.end() && found->second != 0;
}

}  // namespace

// ---- Looking up ---------------------------------------------------------------------------

bool sim_kernel::is_taken(const sim_file& what, const sim_address& where) noexcept {
    return std::any_of(table_.begin(), table_.end(), [&](const file& other) {
        if (!other || other.get() == &what || other->kind != what.kind) return false;
        // A connection keeps its listener's port and is not in the way of a new one.
        if (other->connected && other->is_tcp()) return false;
        if (other->name.empty() || !overlap(other->name, where)) return false;
        return !(shares_port(what) && shares_port(*other));
    });
}

sim_kernel::file sim_kernel::bound_at(const sim_address& where, sim_kind kind, int& error) {
    error = ECONNREFUSED;
    const bool is_unix = family_of(where) == AF_UNIX;
    const std::string path = is_unix ? path_of(where) : std::string();
    std::pair<dev_t, ino_t> inode{};
    if (!path.empty()) {
        const auto found = socket_file(path);
        if (!found) error = errno;
        if (!found) return nullptr;
        inode = *found;
    }
    if (!is_unix && !is_local(where)) {
        error = ENETUNREACH;
        return nullptr;
    }
    std::vector<const file*> found;
    for (const file& candidate : table_) {
        if (!candidate || candidate->kind != kind || candidate->name.empty()) continue;
        if (kind == sim_kind::stream && !candidate->listening) continue;
        const bool matches =
            is_unix ? (path.empty() ? candidate->name == where : candidate->inode == inode)
                    : overlap(candidate->name, where);
        if (matches) found.push_back(&candidate);
    }
    if (found.empty()) return nullptr;
    // Several share a port: the kernel spreads connections by a hash, which is as good as chance.
    return found.size() == 1 ? *found.front() : *found[faults_.below(found.size())];
}

// ---- Giving names -------------------------------------------------------------------------

void sim_kernel::name_it(sim_file& what) {
    if (what.family == AF_UNIX || !what.name.empty()) return;
    sim_address name = loopback_address(what.family, 0);
    do {
        last_port_ = std::max<std::uint16_t>(last_port_ + 1, first_free_port);
        set_port(name, last_port_);
    } while (is_taken(what, name));
    what.name = std::move(name);
}

std::int32_t sim_kernel::bind_ip(sim_file& what, sim_address where) {
    if (!is_local(where)) return -EADDRNOTAVAIL;
    if (port_of(where) == 0) {
        sim_address free = where;
        do {
            last_port_ = std::max<std::uint16_t>(last_port_ + 1, first_free_port);
            set_port(free, last_port_);
        } while (is_taken(what, free));
        what.name = std::move(free);
        return 0;
    }
    if (is_taken(what, where)) return -EADDRINUSE;
    what.name = std::move(where);
    return 0;
}

std::int32_t sim_kernel::bind_unix(sim_file& what, const sim_address& where) {
    const std::string path = path_of(where);
    if (path.empty()) {
        const bool taken = std::any_of(table_.begin(), table_.end(), [&](const file& other) {
            return other && other->family == AF_UNIX && other->name == where;
        });
        if (taken) return -EADDRINUSE;
    } else {
        if (::mknod(path.c_str(), S_IFSOCK | what.mode, 0) != 0) {
            return errno == EEXIST ? -EADDRINUSE : -errno;
        }
        const auto made = socket_file(path);
        if (!made) return -errno;
        what.inode = *made;
        what.named_file.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
    }
    what.name = where;
    return 0;
}

std::int32_t sim_kernel::bind(int fd, const sockaddr* where, socklen_t length) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    if (!on->name.empty()) return -EINVAL;
    return answer(sim_call::bind, fd, [&] {
        sim_address address = make_address(where, length);
        if (family_of(address) != on->family) return -EAFNOSUPPORT;
        return on->family == AF_UNIX ? bind_unix(*on, address) : bind_ip(*on, std::move(address));
    });
}

std::int32_t sim_kernel::listen(int fd, int backlog) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    return answer(sim_call::listen, fd, [&] {
        if (on->kind == sim_kind::datagram) return -EOPNOTSUPP;
        if (on->connected) return -EINVAL;
        name_it(*on);
        on->listening = true;
        on->backlog = static_cast<std::size_t>(std::max(backlog, 0));
        return 0;
    });
}

std::int32_t sim_kernel::getsockname(int fd, sockaddr* where, socklen_t* length) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    return answer(sim_call::getsockname, fd, [&] {
        copy_address(on->name, on->family, where, length);
        return 0;
    });
}

std::int32_t sim_kernel::getpeername(int fd, sockaddr* where, socklen_t* length) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    if (!on->connected) return -ENOTCONN;
    return answer(sim_call::getpeername, fd, [&] {
        copy_address(on->peer, on->family, where, length);
        return 0;
    });
}

void sim_kernel::copy_peer(int fd, sockaddr* where, socklen_t* length) noexcept {
    if (const sim_file* const on = find(fd)) copy_address(on->peer, on->family, where, length);
}

// ---- Connections --------------------------------------------------------------------------

std::int32_t sim_kernel::connect(int fd, const sockaddr* where, socklen_t length) noexcept {
    const file* const on = entry(fd);
    if (on == nullptr) return -EBADF;
    if (!(*on)->is_socket()) return -ENOTSOCK;
    return answer(sim_call::connect, fd,
                  [&] { return connect_file(*on, make_address(where, length)); });
}

std::int32_t sim_kernel::connect_file(const file& from, const sim_address& where) {
    if (from->listening) return -EINVAL;
    if (family_of(where) != from->family) return -EAFNOSUPPORT;
    if (from->kind == sim_kind::datagram) {
        // Only notes the peer; UDP neither sends nor asks whether there is one.
        name_it(*from);
        from->peer = where;
        from->connected = true;
        return 0;
    }
    if (from->connected) return -EISCONN;
    int error = 0;
    const file listener = bound_at(where, sim_kind::stream, error);
    if (!listener) return -error;
    if (listener->is_queue_full()) return -EAGAIN;
    name_it(*from);
    const file far = make(sim_kind::stream, from->family);
    far->settings = listener->settings;
    far->name = from->family != AF_UNIX && is_any(listener->name)
                    ? loopback_address(from->family, port_of(listener->name))
                    : listener->name;
    far->peer = from->name;
    from->peer = far->name;
    sim_file::connect(from, far);
    listener->pending.push_back(far);
    listener->touch();
    return 0;
}

std::int32_t sim_kernel::accept(int fd, int flags) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    if (on->listening && on->pending.empty()) return -EAGAIN;
    return answer(sim_call::accept, fd, [&] { return accept_on(*on, flags); });
}

std::int32_t sim_kernel::accept_on(sim_file& listener, int flags) {
    if (!listener.listening) return -EINVAL;
    const std::int32_t made = install(listener.pending.front(), flags);
    listener.pending.pop_front();
    listener.touch();
    return made;
}

std::int32_t sim_kernel::shutdown(int fd, int how) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    return answer(sim_call::shutdown, fd, [&] { return on->shutdown(how); });
}

// ---- Datagrams ----------------------------------------------------------------------------

std::int32_t sim_kernel::send_datagram(sim_file& from, std::span<const iovec> parts,
                                       sim_address to) {
    if (from.error != 0) return -from.take_error();
    std::size_t size = 0;
    for (const iovec& part : parts) size += part.iov_len;
    const auto sent = static_cast<std::int32_t>(size);
    if (from.family == AF_UNIX && to.empty() && from.peer.empty()) {  // of a socketpair
        const file partner = from.partner.lock();
        if (!from.connected) return -ENOTCONN;
        if (!partner || partner->closed) return -ECONNREFUSED;
        return partner->deliver(from.name, parts) ? sent : -EAGAIN;
    }
    if (to.empty()) to = from.peer;
    if (to.empty()) return -EDESTADDRREQ;
    if (size > longest_datagram) return -EMSGSIZE;
    name_it(from);
    int error = 0;
    const file receiver = bound_at(to, sim_kind::datagram, error);
    if (from.family == AF_UNIX) {
        if (!receiver) return -error;
        return receiver->deliver(from.name, parts) ? sent : -EAGAIN;
    }
    if (!receiver) {
        if (error != ECONNREFUSED) return -error;
        // The answer comes later, and only who is connected hears of it.
        if (from.connected) from.error = ECONNREFUSED;
        from.touch();
        return sent;
    }
    // Who is connected hears its peer alone. What does not fit is lost, as datagrams are.
    const bool is_wanted = !receiver->connected || overlap(receiver->peer, from.name);
    const sim_address sender =
        is_any(from.name) ? loopback_address(from.family, port_of(from.name)) : from.name;
    if (is_wanted) static_cast<void>(receiver->deliver(sender, parts));
    return sent;
}

}  // namespace mayhem
