// The manners of streams, datagrams and pipes, as section 7 of the manual (tcp, unix, pipe) tells
// them. Where Linux is stranger than that, the line says so.
#include "loop/sim_file.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>

namespace mayhem {

namespace {

// How many datagrams wait at a unix socket (net.unix.max_dgram_qlen).
constexpr std::size_t datagrams_max = 10;

std::size_t size_of(std::span<const iovec> parts) noexcept {
    std::size_t size = 0;
    for (const iovec& part : parts) size += part.iov_len;
    return size;
}

/// Copies as much of `from` as fits.
std::size_t scatter(std::string_view from, std::span<const iovec> into) noexcept {
    std::size_t done = 0;
    for (const iovec& part : into) {
        const std::size_t count = std::min(part.iov_len, from.size() - done);
        if (count > 0) std::memcpy(part.iov_base, from.data() + done, count);
        done += count;
    }
    return done;
}

std::string gather(std::span<const iovec> parts, std::size_t limit) {
    std::string bytes;
    for (const iovec& part : parts) {
        const std::size_t count = std::min(part.iov_len, limit - bytes.size());
        if (count > 0) bytes.append(static_cast<const char*>(part.iov_base), count);
    }
    return bytes;
}

void tell_sender(msghdr* header, const sim_address& from, int flags) noexcept {
    if (header == nullptr) return;
    header->msg_flags = flags;
    header->msg_controllen = 0;
    if (header->msg_name == nullptr) return;
    const auto length = std::min<std::size_t>(header->msg_namelen, from.size());
    std::memcpy(header->msg_name, from.data(), length);
    header->msg_namelen = static_cast<socklen_t>(from.size());
}

}  // namespace

void sim_bytes::take(std::size_t count) noexcept {
    taken_ += count;
    // Now and then, so that the cost of moving what is left is shared by many.
    if (taken_ < bytes_.size() / 2 && taken_ < 64 * 1024) return;
    bytes_.erase(0, taken_);
    taken_ = 0;
}

bool sim_file::is_tcp() const noexcept { return kind == sim_kind::stream && family != AF_UNIX; }

void sim_file::connect(const std::shared_ptr<sim_file>& left,
                       const std::shared_ptr<sim_file>& right) noexcept {
    left->partner = right;
    right->partner = left;
    left->connected = true;
    right->connected = true;
    left->touch();
    right->touch();
}

// ---- Reading ------------------------------------------------------------------------------

std::int32_t sim_file::receive(std::span<const iovec> into, int flags, msghdr* header) {
    if (kind == sim_kind::pipe_writer) return -EBADF;
    if (kind == sim_kind::datagram) return receive_datagram(into, flags, header);
    if (is_socket() && !connected && error == 0) return -ENOTCONN;
    if (!inbox.empty()) {
        const std::size_t count = scatter(inbox.front(), into);
        tell_sender(header, {}, 0);
        if ((flags & MSG_PEEK) != 0) return static_cast<std::int32_t>(count);
        inbox.take(count);
        if (const auto sender = partner.lock()) sender->touch();
        return static_cast<std::int32_t>(count);
    }
    if (size_of(into) == 0) return 0;
    if (error != 0) return -take_error();
    if (!ended) return -EAGAIN;
    tell_sender(header, {}, 0);
    return 0;
}

std::int32_t sim_file::receive_datagram(std::span<const iovec> into, int flags, msghdr* header) {
    if (error != 0) return -take_error();
    if (datagrams.empty()) return ended ? 0 : -EAGAIN;
    const sim_datagram& first = datagrams.front();
    const std::size_t count = scatter(first.bytes, into);
    tell_sender(header, first.from, count < first.bytes.size() ? MSG_TRUNC : 0);
    if ((flags & MSG_PEEK) != 0) return static_cast<std::int32_t>(count);
    datagrams.pop_front();
    if (const auto sender = partner.lock()) sender->touch();
    return static_cast<std::int32_t>(count);
}

// ---- Writing ------------------------------------------------------------------------------

std::size_t sim_file::room() const noexcept {
    const auto reader = partner.lock();
    const std::size_t used = reader ? reader->inbox.size() : 0;
    return used < capacity ? capacity - used : 0;
}

/// What poll calls writable: a pipe with less room than PIPE_BUF is not.
std::size_t sim_file::room_that_counts() const noexcept {
    const std::size_t free = room();
    return kind == sim_kind::pipe_writer && free < PIPE_BUF ? 0 : free;
}

std::int32_t sim_file::send(std::span<const iovec> parts) {
    if (kind == sim_kind::pipe_reader) return -EBADF;
    if (is_socket() && !connected) return is_tcp() ? -EPIPE : -ENOTCONN;
    if (is_tcp() && error != 0) return -take_error();
    if (write_ended) return -EPIPE;
    const std::size_t size = size_of(parts);
    const auto reader = partner.lock();
    const bool nobody_reads = !reader || reader->closed;
    if (nobody_reads && !is_tcp()) return -EPIPE;
    if (nobody_reads) {
        // The bytes leave, and only the answer tells that there is nobody: a reset. To a side that
        // was told of the end before, Linux reports it as a broken pipe.
        error = ended ? EPIPE : ECONNRESET;
        ended = true;
        write_ended = true;
        touch();
        return static_cast<std::int32_t>(size);
    }
    const bool is_atomic = kind == sim_kind::pipe_writer && size <= PIPE_BUF;
    const std::size_t count = std::min(size, room());
    if (size > 0 && (count == 0 || (is_atomic && count < size))) return -EAGAIN;
    reader->inbox.append(gather(parts, count));
    reader->touch();
    return static_cast<std::int32_t>(count);
}

bool sim_file::is_full() const noexcept {
    return family == AF_UNIX && datagrams.size() > datagrams_max;
}

bool sim_file::deliver(const sim_address& from, std::span<const iovec> parts) {
    std::size_t used = 0;
    for (const sim_datagram& waiting : datagrams) used += waiting.bytes.size();
    const std::size_t size = size_of(parts);
    if (is_full()) return false;
    if (!datagrams.empty() && used + size > capacity) return false;
    datagrams.push_back({from, gather(parts, size)});
    touch();
    return true;
}

// ---- The end ------------------------------------------------------------------------------

std::int32_t sim_file::shutdown(int how) noexcept {
    if (!is_socket()) return -ENOTSOCK;
    if (listening) {
        // Wakes who accepts, and refuses who connects from now on.
        listening = false;
        ended = true;
        touch();
        for (const auto& abandoned : pending) abandoned->reset(ECONNRESET);
        pending.clear();
        return 0;
    }
    if (!connected) return -ENOTCONN;
    if (how == SHUT_RD || how == SHUT_RDWR) ended = true;
    if (how == SHUT_WR || how == SHUT_RDWR) {
        write_ended = true;
        if (const auto reader = partner.lock()) {
            reader->ended = true;
            reader->touch();
        }
    }
    touch();
    return 0;
}

void sim_file::hang_up() noexcept {
    if (std::exchange(closed, true)) return;
    listening = false;
    for (const auto& abandoned : pending) abandoned->reset(ECONNRESET);
    pending.clear();
    const auto other = partner.lock();
    if (!other || kind == sim_kind::datagram) return;
    if (resets_at_close && is_tcp()) return reset(ECONNRESET);
    // Bytes that will never be read: the other side hears a reset instead of an orderly end.
    const bool was_read = inbox.empty();
    if (!was_read && other->is_socket()) {
        other->error = ECONNRESET;
        other->write_ended = other->is_tcp();
    }
    other->ended = true;
    other->touch();
}

void sim_file::reset(int reason) noexcept {
    const auto other = partner.lock();
    for (sim_file* side : {this, other.get()}) {
        if (side == nullptr) continue;
        side->inbox.clear();
        side->ended = true;
        side->write_ended = true;
        if (side != this && side->is_socket()) side->error = reason;
        side->touch();
    }
}

// ---- Readiness ----------------------------------------------------------------------------

std::uint32_t sim_file::events() const noexcept {
    if (listening) return pending.empty() ? 0 : POLLIN;
    const auto other = partner.lock();
    const bool alone = !other || other->closed;
    std::uint32_t found = error != 0 ? POLLERR | POLLIN | POLLOUT : 0;
    if (kind == sim_kind::datagram) {
        if (!datagrams.empty() || ended) found |= POLLIN;
        const bool must_wait = family == AF_UNIX && other && other->is_full();
        return must_wait ? found : found | POLLOUT;
    }
    if (kind == sim_kind::pipe_writer) {
        if (alone) return found | POLLERR | POLLOUT;
        return room_that_counts() > 0 ? found | POLLOUT : found;
    }
    if (!inbox.empty()) found |= POLLIN;
    if (kind == sim_kind::pipe_reader) return ended ? found | POLLHUP : found;
    if (!connected) return found | POLLOUT | POLLHUP;
    if (ended) found |= POLLIN | POLLRDHUP;
    if (ended && (write_ended || (alone && !is_tcp()))) found |= POLLHUP;
    if (alone || write_ended || room() > 0) found |= POLLOUT;
    return found;
}

}  // namespace mayhem
