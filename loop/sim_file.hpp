// One open file of the simulated kernel: a stream socket, a datagram socket, or an end of a pipe.
//
// All of them are the same thing with different manners. Each has an inbox, and a partner whose
// inbox it fills:
//
//        client                      server              a pipe
//     +---------+  partner        +---------+        writer --partner--> reader
//     |  inbox  | <-------------> |  inbox  |        (its inbox is never used)
//     +---------+                 +---------+
//
// Writing appends to the partner's inbox as far as there is room; reading empties one's own. A
// partner that shut its half down, or is gone, or sent a reset, has left a note (`ended`, `error`)
// that is found behind the bytes that came before it.
//
// Every call answers as a non-blocking one does: a value, or a negative errno, -EAGAIN among them.
// Who waits, and when it is tried again, is the business of the sim backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <utility>

#include "loop/fd.hpp"

namespace mayhem {

/// A socket address as the kernel keeps it: the bytes of a sockaddr. Empty: none.
using sim_address = std::string;

struct sim_datagram {
    sim_address from;
    std::string bytes;
};

/// Bytes in, bytes out, in order.
class sim_bytes {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - taken_; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    void append(std::string_view more) { bytes_ += more; }
    /// What is next, without taking it.
    [[nodiscard]] std::string_view front() const noexcept {
        return std::string_view(bytes_).substr(taken_);
    }
    void take(std::size_t count) noexcept;
    void clear() noexcept { take(size()); }

  private:
    std::string bytes_;
    std::size_t taken_ = 0;
};

enum class sim_kind : std::uint8_t { stream, datagram, pipe_reader, pipe_writer };

class sim_file {
  public:
    sim_file(sim_kind what, int socket_family, std::size_t room) noexcept
        : kind(what), family(socket_family), capacity(room) {}

    // ---- What calls do --------------------------------------------------------------------

    /// recv, recvmsg and read. `header` is filled in as recvmsg does, if there is one.
    std::int32_t receive(std::span<const iovec> into, int flags, msghdr* header = nullptr);
    /// send, sendmsg and write of streams and pipes.
    std::int32_t send(std::span<const iovec> parts);
    /// A datagram arrives here. @returns false when there is no room for it.
    bool deliver(const sim_address& from, std::span<const iovec> parts);
    std::int32_t shutdown(int how) noexcept;
    /// The last descriptor was closed.
    void hang_up() noexcept;
    /// The connection breaks, for both sides: the network, or a peer that crashed.
    void reset(int error) noexcept;

    /// What poll(2) would say of POLLIN, POLLOUT, POLLRDHUP, POLLERR and POLLHUP.
    [[nodiscard]] std::uint32_t events() const noexcept;
    /// The pending error, which is thereby told and gone; 0: none.
    int take_error() noexcept { return std::exchange(error, 0); }

    [[nodiscard]] bool is_socket() const noexcept {
        return kind == sim_kind::stream || kind == sim_kind::datagram;
    }
    [[nodiscard]] bool is_tcp() const noexcept;
    /// A listener that refuses, or lets wait, who connects.
    [[nodiscard]] bool is_queue_full() const noexcept { return pending.size() > backlog; }
    /// A datagram socket whose senders have to wait. (UDP drops instead.)
    [[nodiscard]] bool is_full() const noexcept;
    /// Makes two files each other's partner.
    static void connect(const std::shared_ptr<sim_file>& left,
                        const std::shared_ptr<sim_file>& right) noexcept;
    /// Something has happened here that an edge-triggered poll would tell.
    void touch() noexcept { ++activity; }

    // ---- What it is -----------------------------------------------------------------------

    sim_kind kind;
    int family;                  ///< AF_INET, AF_INET6, AF_UNIX; 0 for pipes
    int descriptors = 0;         ///< how many numbers refer to it
    bool non_blocking = false;   ///< O_NONBLOCK, kept for whoever asks
    std::uint64_t activity = 0;  ///< grows with every edge

    sim_address name;                 ///< what it is bound to
    sim_address peer;                 ///< what it is connected to
    unique_fd named_file;             ///< holds that file's inode, which must not be recycled
    std::pair<dev_t, ino_t> inode{};  ///< the file that bears a unix socket's name
    mode_t mode = 0777;               ///< that such a file gets
    std::map<std::pair<int, int>, int> settings;  ///< (level, name) of setsockopt

    bool listening = false;
    std::size_t backlog = 0;
    std::deque<std::shared_ptr<sim_file>> pending;  ///< connections that nobody has accepted yet

    bool connected = false;
    bool resets_at_close = false;  ///< SO_LINGER with no time: who closes sends a reset
    std::weak_ptr<sim_file> partner;
    std::size_t capacity;  ///< how much of ours may wait in the partner's inbox
    sim_bytes inbox;
    std::deque<sim_datagram> datagrams;
    bool ended = false;        ///< nothing will come behind the inbox
    bool write_ended = false;  ///< nothing may be sent any more
    bool closed = false;
    int error = 0;  ///< an errno that the next call is told

  private:
    std::int32_t receive_datagram(std::span<const iovec> into, int flags, msghdr* header);
    [[nodiscard]] std::size_t room() const noexcept;
    [[nodiscard]] std::size_t room_that_counts() const noexcept;
};

}  // namespace mayhem
