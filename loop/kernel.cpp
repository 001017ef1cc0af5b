// One decision per call; see the header for the picture.
#include "loop/kernel.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/sim_kernel.hpp"

namespace mayhem::kernel {

namespace {

// The simulated kernel answers as the real one does below the C library: a negative errno.
int unfolded(std::int32_t result) noexcept {
    if (result >= 0) return result;
    errno = -result;
    return -1;
}

/// `call` on the kernel to which a simulated descriptor belongs, if that is still there.
template <typename Call>
int on_simulated(Call call) noexcept {
    sim_kernel* const own = sim_kernel::of_this_thread();
    return unfolded(own != nullptr ? call(*own) : -EBADF);
}

}  // namespace

sim_kernel* simulated() noexcept {
    sim_kernel* const own = sim_kernel::of_this_thread();
    return own != nullptr && own->is_in_use() ? own : nullptr;
}

std::size_t open_simulated() noexcept {
    const sim_kernel* const own = sim_kernel::of_this_thread();
    return own != nullptr ? own->open_descriptors() : 0;
}

int socket(int family, int type, int protocol) noexcept {
    sim_kernel* const own = simulated();
    if (own != nullptr && sim_kernel::knows(family)) return unfolded(own->socket(family, type));
    return ::socket(family, type, protocol);
}

int socketpair(int family, int type, int protocol, int ends[2]) noexcept {
    if (sim_kernel* const own = simulated()) return unfolded(own->socketpair(type, ends));
    return ::socketpair(family, type, protocol, ends);
}

int pipe2(int ends[2], int flags) noexcept {
    if (sim_kernel* const own = simulated()) return unfolded(own->pipe(flags, ends));
    return ::pipe2(ends, flags);
}

int bind(int fd, const sockaddr* where, socklen_t length) noexcept {
    if (!is_simulated(fd)) return ::bind(fd, where, length);
    return on_simulated([&](sim_kernel& own) { return own.bind(fd, where, length); });
}

int listen(int fd, int backlog) noexcept {
    if (!is_simulated(fd)) return ::listen(fd, backlog);
    return on_simulated([&](sim_kernel& own) { return own.listen(fd, backlog); });
}

int connect(int fd, const sockaddr* where, socklen_t length) noexcept {
    if (!is_simulated(fd)) return ::connect(fd, where, length);
    return on_simulated([&](sim_kernel& own) { return own.connect(fd, where, length); });
}

int accept4(int fd, sockaddr* peer, socklen_t* length, int flags) noexcept {
    if (!is_simulated(fd)) return ::accept4(fd, peer, length, flags);
    return on_simulated([&](sim_kernel& own) {
        const std::int32_t accepted = own.accept(fd, flags);
        if (accepted >= 0 && peer != nullptr) own.copy_peer(accepted, peer, length);
        return accepted;
    });
}

int shutdown(int fd, int how) noexcept {
    if (!is_simulated(fd)) return ::shutdown(fd, how);
    return on_simulated([&](sim_kernel& own) { return own.shutdown(fd, how); });
}

int getsockname(int fd, sockaddr* where, socklen_t* length) noexcept {
    if (!is_simulated(fd)) return ::getsockname(fd, where, length);
    return on_simulated([&](sim_kernel& own) { return own.getsockname(fd, where, length); });
}

int getpeername(int fd, sockaddr* where, socklen_t* length) noexcept {
    if (!is_simulated(fd)) return ::getpeername(fd, where, length);
    return on_simulated([&](sim_kernel& own) { return own.getpeername(fd, where, length); });
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept {
    if (!is_simulated(fd)) return ::getsockopt(fd, level, name, value, length);
    return on_simulated(
        [&](sim_kernel& own) { return own.getsockopt(fd, level, name, value, length); });
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t length) noexcept {
    if (!is_simulated(fd)) return ::setsockopt(fd, level, name, value, length);
    return on_simulated(
        [&](sim_kernel& own) { return own.setsockopt(fd, level, name, value, length); });
}

int fcntl(int fd, int command, int argument) noexcept {
    if (!is_simulated(fd)) return ::fcntl(fd, command, argument);
    return on_simulated([&](sim_kernel& own) { return own.fcntl(fd, command, argument); });
}

int dup(int fd) noexcept { return is_simulated(fd) ? kernel::fcntl(fd, F_DUPFD) : ::dup(fd); }

int fchmod(int fd, mode_t mode) noexcept {
    if (!is_simulated(fd)) return ::fchmod(fd, mode);
    return on_simulated([&](sim_kernel& own) { return own.fchmod(fd, mode); });
}

int close(int fd) noexcept {
    if (!is_simulated(fd)) return ::close(fd);
    return on_simulated([&](sim_kernel& own) { return own.close(fd); });
}

ssize_t recv(int fd, void* into, std::size_t size, int flags) noexcept {
    if (!is_simulated(fd)) return ::recv(fd, into, size, flags);
    return on_simulated([&](sim_kernel& own) { return own.recv(fd, into, size, flags); });
}

ssize_t send(int fd, const void* from, std::size_t size, int flags) noexcept {
    if (!is_simulated(fd)) return ::send(fd, from, size, flags);
    return on_simulated([&](sim_kernel& own) { return own.send(fd, from, size, flags); });
}

ssize_t read(int fd, void* into, std::size_t size) noexcept {
    if (!is_simulated(fd)) return ::read(fd, into, size);
    return on_simulated([&](sim_kernel& own) { return own.read(fd, into, size); });
}

ssize_t write(int fd, const void* from, std::size_t size) noexcept {
    if (!is_simulated(fd)) return ::write(fd, from, size);
    return on_simulated([&](sim_kernel& own) { return own.write(fd, from, size); });
}

}  // namespace mayhem::kernel
