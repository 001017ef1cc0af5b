// Descriptors, and the calls on them. Names and connections are in sim_names.cpp, operations in
// sim_operations.cpp.
#include "loop/sim_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "loop/check.hpp"
#include "loop/kernel.hpp"
#include "loop/sim_address.hpp"

namespace mayhem {

namespace {

// As on Linux: net.core.wmem_default, and a pipe's sixteen pages.
constexpr std::size_t socket_bytes = 212'992;
constexpr std::size_t pipe_bytes = 65'536;
constexpr std::size_t smallest_socket_bytes = 4'608;

thread_local sim_kernel* this_threads_kernel = nullptr;

iovec part_of(const void* bytes, std::size_t size) noexcept {
    // The kernel's structure has one pointer type for both directions.
    return {.iov_base = const_cast<void*>(bytes), .iov_len = size};
}

bool ends_connection(sim_call call, int error) noexcept {
    const bool carries = call == sim_call::recv || call == sim_call::send ||
                         call == sim_call::read || call == sim_call::write;
    return carries && (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT);
}

}  // namespace

// ---- One per thread -----------------------------------------------------------------------

sim_kernel* sim_kernel::of_this_thread() noexcept { return this_threads_kernel; }

sim_kernel& sim_kernel::join(const sim_options& options) {
    if (this_threads_kernel == nullptr) {
        this_threads_kernel = new sim_kernel(options);
    } else {
        this_threads_kernel->faults_ = sim_faults(options);
    }
    ++this_threads_kernel->users_;
    return *this_threads_kernel;
}

void sim_kernel::leave() noexcept {
    --users_;
    end_if_unused();
}

void sim_kernel::end_if_unused() noexcept {
    if (users_ > 0 || open_ > 0) return;
    MAYHEM_CHECK(this_threads_kernel == this, "a simulated kernel was used by another thread");
    this_threads_kernel = nullptr;
    delete this;
}

bool sim_kernel::knows(int family) noexcept {
    return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

// ---- Descriptors --------------------------------------------------------------------------

bool sim_kernel::fails(sim_call call, int fd, std::int32_t& result) noexcept {
    const int error = faults_.failure_of(call);
    if (error == 0) return false;
    sim_file* const on = find(fd);
    if (on != nullptr && ends_connection(call, error)) on->reset(ECONNRESET);
    result = -error;
    return true;
}

sim_kernel::file sim_kernel::make(sim_kind kind, int family) const {
    const bool is_pipe = kind == sim_kind::pipe_reader || kind == sim_kind::pipe_writer;
    const std::size_t asked = faults_.options().buffer_bytes;
    const std::size_t usual = is_pipe ? pipe_bytes : socket_bytes;
    return std::make_shared<sim_file>(kind, family, asked != 0 ? asked : usual);
}

/// @returns the lowest free number, as a kernel does.
std::int32_t sim_kernel::install(file made, int flags) {
    if ((flags & O_NONBLOCK) != 0) made->non_blocking = true;
    auto place = std::find(table_.begin(), table_.end(), nullptr);
    if (place == table_.end()) place = table_.emplace(table_.end());
    ++made->descriptors;
    ++open_;
    *place = std::move(made);
    return kernel::first_simulated + static_cast<std::int32_t>(place - table_.begin());
}

const sim_kernel::file* sim_kernel::entry(int fd) noexcept {
    const auto index = static_cast<std::size_t>(fd - kernel::first_simulated);
    if (fd < kernel::first_simulated || index >= table_.size()) return nullptr;
    return table_[index] != nullptr ? &table_[index] : nullptr;
}

sim_file* sim_kernel::find(int fd) noexcept {
    const file* const found = entry(fd);
    return found != nullptr ? found->get() : nullptr;
}

std::int32_t sim_kernel::socket(int family, int type) noexcept {
    return answer(sim_call::socket, -1, [&] {
        const bool stream = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;
        return install(make(stream ? sim_kind::stream : sim_kind::datagram, family), type);
    });
}

std::int32_t sim_kernel::socketpair(int type, int ends[2]) noexcept {
    return answer(sim_call::socketpair, -1, [&] {
        const bool stream = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;
        const sim_kind kind = stream ? sim_kind::stream : sim_kind::datagram;
        const file left = make(kind, AF_UNIX);
        const file right = make(kind, AF_UNIX);
        sim_file::connect(left, right);
        table_.reserve(table_.size() + 2);  // both or none
        ends[0] = install(left, type);
        ends[1] = install(right, type);
        return 0;
    });
}

std::int32_t sim_kernel::pipe(int flags, int ends[2]) noexcept {
    return answer(sim_call::pipe, -1, [&] {
        const file reader = make(sim_kind::pipe_reader, 0);
        const file writer = make(sim_kind::pipe_writer, 0);
        sim_file::connect(reader, writer);
        table_.reserve(table_.size() + 2);
        ends[0] = install(reader, flags);
        ends[1] = install(writer, flags);
        return 0;
    });
}

std::int32_t sim_kernel::close(int fd) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    faults_.note(sim_call::close, 0);
    file last = std::move(table_[static_cast<std::size_t>(fd - kernel::first_simulated)]);
    --open_;
    if (--last->descriptors == 0) last->hang_up();
    last.reset();
    end_if_unused();
    return 0;
}

std::int32_t sim_kernel::fcntl(int fd, int command, int argument) noexcept {
    const file* const on = entry(fd);
    if (on == nullptr) return -EBADF;
    switch (command) {
        case F_GETFD:
            return FD_CLOEXEC;  // nothing simulated survives an exec
        case F_SETFD:
            return 0;
        case F_GETFL: {
            const int access = (*on)->kind == sim_kind::pipe_reader   ? O_RDONLY
                               : (*on)->kind == sim_kind::pipe_writer ? O_WRONLY
                                                                      : O_RDWR;
            return access | ((*on)->non_blocking ? O_NONBLOCK : 0);
        }
        case F_SETFL:
            (*on)->non_blocking = (argument & O_NONBLOCK) != 0;
            return 0;
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return answer(sim_call::fcntl, fd, [&] { return install(file(*on), 0); });
        default:
            return -EINVAL;
    }
}

std::int32_t sim_kernel::fchmod(int fd, mode_t mode) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    on->mode = mode;
    return 0;
}

// ---- Settings -----------------------------------------------------------------------------

std::int32_t sim_kernel::getsockopt(int fd, int level, int name, void* value,
                                    socklen_t* length) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    const auto put = [&](const auto& found) {
        std::memcpy(value, &found, std::min<std::size_t>(*length, sizeof found));
        *length = sizeof found;
        return 0;
    };
    if (level == SOL_SOCKET) {
        if (name == SO_PEERCRED) return put(ucred{::getpid(), ::geteuid(), ::getegid()});
        if (name == SO_ERROR) return put(on->take_error());
        if (name == SO_TYPE) return put(on->kind == sim_kind::stream ? SOCK_STREAM : SOCK_DGRAM);
        if (name == SO_DOMAIN) return put(on->family);
        if (name == SO_ACCEPTCONN) return put(static_cast<int>(on->listening));
        if (name == SO_SNDBUF) return put(static_cast<int>(on->capacity));
    }
    const auto found = on->settings.find({level, name});
    return put(found == on->settings.end() ? 0 : found->second);
}

std::int32_t sim_kernel::setsockopt(int fd, int level, int name, const void* value,
                                    socklen_t length) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    int number = 0;
    if (length < sizeof number) return -EINVAL;
    std::memcpy(&number, value, sizeof number);
    return answer(sim_call::setsockopt, fd, [&] {
        // The kernel takes twice what is asked for, for its own use.
        if (level == SOL_SOCKET && name == SO_SNDBUF) {
            on->capacity = std::max(2 * static_cast<std::size_t>(number), smallest_socket_bytes);
        }
        if (level == SOL_SOCKET && name == SO_LINGER && length >= sizeof(linger)) {
            linger wanted{};
            std::memcpy(&wanted, value, sizeof wanted);
            on->resets_at_close = wanted.l_onoff != 0 && wanted.l_linger == 0;
        }
        on->settings[{level, name}] = number;
        return 0;
    });
}

// ---- Bytes --------------------------------------------------------------------------------

std::int32_t sim_kernel::recv(int fd, void* into, std::size_t size, int flags) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    const iovec part = part_of(into, size);
    return answer(sim_call::recv, fd, [&] { return on->receive({&part, 1}, flags); });
}

std::int32_t sim_kernel::send(int fd, const void* from, std::size_t size, int flags) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (!on->is_socket()) return -ENOTSOCK;
    const iovec part = part_of(from, size);
    return answer(sim_call::send, fd, [&] { return send_on(*on, {&part, 1}, {}, flags); });
}

std::int32_t sim_kernel::read(int fd, void* into, std::size_t size) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (on->is_socket()) return recv(fd, into, size, 0);
    const iovec part = part_of(into, size);
    return answer(sim_call::read, fd, [&] { return on->receive({&part, 1}, 0); });
}

std::int32_t sim_kernel::write(int fd, const void* from, std::size_t size) noexcept {
    sim_file* const on = find(fd);
    if (on == nullptr) return -EBADF;
    if (on->is_socket()) return send(fd, from, size, 0);
    const iovec part = part_of(from, size);
    return answer(sim_call::write, fd, [&] { return on->send({&part, 1}); });
}

std::int32_t sim_kernel::send_on(sim_file& from, std::span<const iovec> parts,
                                 const sim_address& to, int flags) {
    if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
    return from.kind == sim_kind::datagram ? send_datagram(from, parts, to) : from.send(parts);
}

}  // namespace mayhem
