// A kernel in memory: descriptors, sockets with names, pipes. Everything happens at once and on one
// thread; nothing waits, nothing is left to chance but what `faults()` is asked.
//
// There is one per thread, as long as somebody has a loop or a descriptor on it; when the last of
// both is gone it ends, and the next loop starts a fresh one. So sockets may outlive their loop,
// and numbers are recycled only when they were closed, as on a real machine.
//
// Its network is the loopback: 127.0.0.0/8 and ::1, with ports from 32768 up for those who do not
// choose. Other addresses are unreachable. A unix socket's name is a real file (of type socket) in
// the real file system, because that is where programs look for it, chmod and remove it; what
// connects them is that file's inode, as in Linux. Names that start with a zero byte have no file.
//
// Regular files are real files: a simulated disk would teach nothing about a loop. They go through
// the sim backend all the same, for delays, short transfers and errors.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <sys/socket.h>
#include <sys/types.h>
#include <vector>

#include "loop/operation.hpp"
#include "loop/sim_faults.hpp"
#include "loop/sim_file.hpp"

namespace mayhem {

class sim_kernel {
  public:
    /// This thread's; null when nobody uses one.
    [[nodiscard]] static sim_kernel* of_this_thread() noexcept;
    /// Joins this thread's kernel, or starts it. The newest user's options count.
    [[nodiscard]] static sim_kernel& join(const sim_options& options);
    /// The counterpart of `join`; the kernel may be gone after it.
    void leave() noexcept;

    sim_kernel(const sim_kernel&) = delete;
    sim_kernel& operator=(const sim_kernel&) = delete;

    [[nodiscard]] bool is_in_use() const noexcept { return users_ > 0; }
    [[nodiscard]] std::size_t open_descriptors() const noexcept { return open_; }
    [[nodiscard]] sim_faults& faults() noexcept { return faults_; }
    [[nodiscard]] const sim_faults& faults() const noexcept { return faults_; }
    /// The families of sockets that are simulated.
    [[nodiscard]] static bool knows(int family) noexcept;

    // ---- Calls that are no operations: a value, or a negative errno -----------------------

    std::int32_t socket(int family, int type) noexcept;
    std::int32_t socketpair(int type, int ends[2]) noexcept;
    std::int32_t pipe(int flags, int ends[2]) noexcept;
    std::int32_t bind(int fd, const sockaddr* where, socklen_t length) noexcept;
    std::int32_t listen(int fd, int backlog) noexcept;
    std::int32_t connect(int fd, const sockaddr* where, socklen_t length) noexcept;
    std::int32_t accept(int fd, int flags) noexcept;
    std::int32_t shutdown(int fd, int how) noexcept;
    std::int32_t getsockname(int fd, sockaddr* where, socklen_t* length) noexcept;
    std::int32_t getpeername(int fd, sockaddr* where, socklen_t* length) noexcept;
    /// getpeername for accept's own use: neither counted nor failing.
    void copy_peer(int fd, sockaddr* where, socklen_t* length) noexcept;
    std::int32_t getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept;
    std::int32_t setsockopt(int fd, int level, int name, const void* value,
                            socklen_t length) noexcept;
    std::int32_t fcntl(int fd, int command, int argument) noexcept;
    std::int32_t fchmod(int fd, mode_t mode) noexcept;
    std::int32_t close(int fd) noexcept;
    std::int32_t recv(int fd, void* into, std::size_t size, int flags) noexcept;
    std::int32_t send(int fd, const void* from, std::size_t size, int flags) noexcept;
    std::int32_t read(int fd, void* into, std::size_t size) noexcept;
    std::int32_t write(int fd, const void* from, std::size_t size) noexcept;

    // ---- For the sim backend --------------------------------------------------------------

    /// Carries an operation on a simulated descriptor out, as `detail::perform` does on a real
    /// one; with a failure if the faults want one. -EAGAIN: not now.
    std::int32_t perform(operation& op) noexcept;
    /// True when `perform` would not answer -EAGAIN.
    [[nodiscard]] bool is_ready(const operation& op) noexcept;
    /// Ready events of a descriptor, and a number that grows with each edge.
    struct readiness {
        std::uint32_t events;
        std::uint64_t activity;
    };
    [[nodiscard]] readiness look(int fd) noexcept;
    [[nodiscard]] bool is_open(int fd) noexcept { return find(fd) != nullptr; }
    /// Whether a transfer may move less than it could: not a datagram, nor what a pipe takes as
    /// a whole.
    [[nodiscard]] bool may_split(const operation& op) noexcept;
    /// The call that an operation is, for faults and traces.
    [[nodiscard]] static sim_call call_of(const operation& op) noexcept;

  private:
    using file = std::shared_ptr<sim_file>;

    explicit sim_kernel(const sim_options& options) : faults_(options) {}
    void end_if_unused() noexcept;

    /// The frame of every call: it may fail by misfortune, and is noted. Memory that runs out is
    /// an error like any other.
    template <typename Body>
    std::int32_t answer(sim_call call, int fd, Body body) noexcept {
        std::int32_t result = 0;
        if (fails(call, fd, result)) return faults_.note(call, result);
        try {
            return faults_.note(call, body());
        } catch (const std::bad_alloc&) {
            return faults_.note(call, -ENOMEM);
        }
    }
    [[nodiscard]] bool fails(sim_call call, int fd, std::int32_t& result) noexcept;
    [[nodiscard]] file make(sim_kind kind, int family) const;
    std::int32_t install(file made, int flags);
    [[nodiscard]] sim_file* find(int fd) noexcept;
    [[nodiscard]] const file* entry(int fd) noexcept;

    std::int32_t send_on(sim_file& from, std::span<const iovec> parts, const sim_address& to,
                         int flags);
    std::int32_t send_file(const operation& op) noexcept;
    std::int32_t send_datagram(sim_file& from, std::span<const iovec> parts, sim_address to);
    std::int32_t connect_file(const file& from, const sim_address& where);
    std::int32_t accept_on(sim_file& listener, int flags);
    std::int32_t do_perform(operation& op, sim_file& on);
    [[nodiscard]] bool can_connect(const sim_file& from, const operation& op);

    std::int32_t bind_ip(sim_file& what, sim_address where);
    std::int32_t bind_unix(sim_file& what, const sim_address& where);
    /// Gives a socket that has no name one with a free port.
    void name_it(sim_file& what);
    [[nodiscard]] bool is_taken(const sim_file& what, const sim_address& where) noexcept;
    /// Who has bound `where`; null with an errno when nobody has.
    [[nodiscard]] file bound_at(const sim_address& where, sim_kind kind, int& error);

    sim_faults faults_;
    std::vector<file> table_;
    std::size_t open_ = 0;
    std::size_t users_ = 0;
    std::uint16_t last_port_ = 32767;
};

}  // namespace mayhem
