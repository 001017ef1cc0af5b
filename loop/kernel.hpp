// Which kernel: the few plain system calls that sockets and pipes need outside of operations, sent
// to the real kernel or to a simulated one.
//
// Facts. Operations (reads, writes, accepts) go through a backend, so the sim backend can play the
// kernel for them. But a socket is also made, bound, named and closed, by calls that wait for
// nothing and therefore are no operations.
// Solution. Those calls are made here. A thread on which a sim backend lives gets descriptors from
// the simulated kernel; calls on such a descriptor go back to it; all others are the real thing.
//
//     kernel::socket(...) --- a sim backend lives on this thread? --- yes --> sim_kernel
//                                                                 \-- no ---> ::socket
//     kernel::close(fd) ----- fd >= first_simulated? ---------------- yes --> sim_kernel
//                                                                 \-- no ---> ::close
//
// Simulated descriptors have numbers that the real kernel does not give, so neither can be taken
// for the other: a simulated one that leaks into a real call gets EBADF. The price when nothing is
// simulated is one comparison, on calls that are made once per connection.
//
// What it refuses: to be a complete list. Files, processes, signals and timers stay real.
#pragma once

#include <cstddef>
#include <sys/socket.h>
#include <sys/types.h>

namespace mayhem {

class sim_kernel;

namespace kernel {

/// Numbers from here on are simulated.
inline constexpr int first_simulated = 1 << 20;

[[nodiscard]] constexpr bool is_simulated(int fd) noexcept { return fd >= first_simulated; }

/// The kernel that new sockets and pipes of this thread come from; null when that is the real one.
[[nodiscard]] sim_kernel* simulated() noexcept;

/// How many simulated descriptors are open on this thread.
[[nodiscard]] std::size_t open_simulated() noexcept;

// Each as in section 2 of the manual: -1 and errno when it fails. Simulated ones never block: what
// would have to wait fails with EAGAIN.
int socket(int family, int type, int protocol) noexcept;
int socketpair(int family, int type, int protocol, int ends[2]) noexcept;
int pipe2(int ends[2], int flags) noexcept;
int bind(int fd, const sockaddr* where, socklen_t length) noexcept;
int listen(int fd, int backlog) noexcept;
int connect(int fd, const sockaddr* where, socklen_t length) noexcept;
int accept4(int fd, sockaddr* peer, socklen_t* length, int flags) noexcept;
int shutdown(int fd, int how) noexcept;
int getsockname(int fd, sockaddr* where, socklen_t* length) noexcept;
int getpeername(int fd, sockaddr* where, socklen_t* length) noexcept;
int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept;
int setsockopt(int fd, int level, int name, const void* value, socklen_t length) noexcept;
int fcntl(int fd, int command, int argument = 0) noexcept;
int dup(int fd) noexcept;
int fchmod(int fd, mode_t mode) noexcept;
int close(int fd) noexcept;
ssize_t recv(int fd, void* into, std::size_t size, int flags) noexcept;
ssize_t send(int fd, const void* from, std::size_t size, int flags) noexcept;
ssize_t read(int fd, void* into, std::size_t size) noexcept;
ssize_t write(int fd, const void* from, std::size_t size) noexcept;

}  // namespace kernel
}  // namespace mayhem
