// One unit of kernel work: what is asked, and what came of it.
//
// An operation lives where its result is wanted, usually inside an awaiter and so inside a
// coroutine's frame: starting one allocates nothing.
//
//        prepare_x()        submit            completion            run()
//   idle ------------> idle -------> in_flight ---------> completed -------> (may be reused)
//                                        |  cancel asked    ^
//                                        +------------------+   exactly one completion, either way
//
// (backend::start may complete one at once: then it goes from idle to completed, and is not run.)
//
// Rule of lifetime: between submit and its terminal completion the kernel may write to the
// operation's buffers, so it may be neither destroyed nor reused. Cancelling only *asks*; the
// operation still completes exactly once, perhaps successfully. The destructor checks it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <sys/socket.h>

#include "loop/check.hpp"
#include "loop/intrusive_list.hpp"
#include "loop/ready_queue.hpp"

struct statx;

namespace mayhem {

enum class opcode : std::uint8_t {
    nop,
    read,
    write,
    recv,
    send,
    recvmsg,
    sendmsg,
    sendfile,
    accept,
    connect,
    poll,
    openat,
    statx,
    fsync,
    close,
};

/// True when the result is a number of bytes: what was read or written.
[[nodiscard]] constexpr bool transfers_bytes(opcode code) noexcept {
    return code >= opcode::read && code <= opcode::sendfile;
}

/// The opcode's name, for messages and traces ("recv").
[[nodiscard]] std::string_view to_string(opcode code) noexcept;

enum class operation_state : std::uint8_t {
    idle,       ///< the owner's: may be prepared, reused, destroyed
    in_flight,  ///< the backend's and the kernel's
    completed,  ///< `result` is valid; waits in the ready queue for `run`
};

struct in_flight_tag;  // io_uring's list of everything that it has not completed yet
struct parked_tag;  // a backend's own queues: what waits for readiness or for a place in the ring

/// The description of one system call in the kernel's own terms. Which fields an opcode uses is
/// said by the `prepare_` functions, the only place that fills them in.
class operation : public runnable, public list_hook<in_flight_tag>, public list_hook<parked_tag> {
  public:
    /// Offset that means "at the file's own position", and the only one that streams know.
    static constexpr std::uint64_t current_position = ~std::uint64_t{0};

    void prepare_nop() noexcept;
    void prepare_read(int descriptor, std::span<std::byte> buffer,
                      std::uint64_t at = current_position) noexcept;
    void prepare_write(int descriptor, std::span<const std::byte> buffer,
                       std::uint64_t at = current_position) noexcept;
    void prepare_recv(int socket, std::span<std::byte> buffer, int message_flags = 0) noexcept;
    /// MSG_NOSIGNAL is always added: a dead peer is an error (EPIPE), never a signal.
    void prepare_send(int socket, std::span<const std::byte> buffer,
                      int message_flags = 0) noexcept;
    /// A read or recv that brings its own buffer: it is taken (read_buffer.hpp) once there is
    /// something to read, so that waiting holds none. Completes with the number of bytes, which are
    /// at `address`; the buffer is then the owner's, to be given back. With any other result there
    /// is none.
    void prepare_read_buffered(int descriptor, opcode how) noexcept;
    void prepare_recvmsg(int socket, msghdr& message, int message_flags = 0) noexcept;
    void prepare_sendmsg(int socket, const msghdr& message, int message_flags = 0) noexcept;
    /// Sends `size` bytes of a file from `at` on, without a buffer between them; perhaps fewer, and
    /// 0 at the file's end. What is not in the page cache is read by the calling thread. A dead
    /// peer raises SIGPIPE, for which no flag exists: its owner ignores the signal.
    void prepare_sendfile(int socket, int file, std::size_t size, std::uint64_t at) noexcept;
    /// Completes with a new descriptor (close-on-exec, non-blocking). `multishot` completes again
    /// and again through `on_shot` until cancelled or until the kernel ends it.
    void prepare_accept(int listener, bool multishot = false) noexcept;
    /// The address stays the owner's and must live until the completion. -EAGAIN is a result: a
    /// unix listener's queue is full, and the kernel does not tell when it has room again.
    void prepare_connect(int socket, const sockaddr* address, socklen_t length) noexcept;
    /// Completes with the ready subset of `events` (POLLIN, POLLOUT ...). With `multishot` it
    /// reports what is ready at the start and then each *new* readiness (edge-triggered) through
    /// `on_shot`. A shot may repeat what is ready still, so look before you read.
    void prepare_poll(int descriptor, std::uint32_t events, bool multishot = false) noexcept;
    /// The new descriptor is close-on-exec. The path must live until the completion.
    void prepare_openat(int directory, const char* path, int flags, unsigned mode) noexcept;
    void prepare_statx(int directory, const char* path, int flags, unsigned mask,
                       struct statx* result) noexcept;
    void prepare_fsync(int descriptor, bool data_only = false) noexcept;
    /// The backend forgets the descriptor before it is closed.
    /// REQUIRES: no operation is in flight on it.
    void prepare_close(int descriptor) noexcept;

    /// One completion of a multishot operation, called from inside the backend's `poll`: it may
    /// store the result, make a runnable ready and submit or cancel operations, but must not run
    /// user code. With `more` false it is the terminal one: the operation is idle again (it does
    /// not go through the ready queue) and may be submitted anew from here, as it is.
    virtual void on_shot(std::int32_t /*result*/, bool /*more*/) noexcept {}

    // What is asked. Read by the backends.
    opcode code = opcode::nop;
    operation_state state = operation_state::idle;
    bool is_multishot = false;
    bool cancel_requested = false;
    bool takes_buffer = false;  ///< see prepare_read_buffered
    std::uint8_t step = 0;      ///< the backend's own note on how far it is; nobody else's business
    int fd = -1;
    std::uint32_t flags = 0;         ///< message flags, open flags, poll events, fsync flags
    void* address = nullptr;         ///< buffer, msghdr, sockaddr or path
    std::uint32_t length = 0;        ///< of the buffer or sockaddr; open's mode; statx's mask
    int source = -1;                 ///< the file that is sent
    std::uint64_t offset = 0;        ///< file offset
    struct statx* status = nullptr;  ///< where statx writes

    /// Bytes, a descriptor, an event mask or 0; a negative errno when it failed; -ECANCELED when
    /// it was cancelled before it had any effect. Valid in `completed`.
    std::int32_t result = 0;

  protected:
    ~operation() {
        MAYHEM_CHECK(state != operation_state::in_flight,
                     "an operation was destroyed while the kernel owned its buffers");
    }

  private:
    void prepare(opcode what, int descriptor) noexcept;
};

// ---- Implementation details follow: inline, because every read and write passes here ----------

namespace detail {

// What the kernel moves in one call at most (MAX_RW_COUNT). Longer buffers are read and written in
// part, as the contract of short reads and writes allows anyway; and the result fits an int32.
inline std::uint32_t transfer_length(std::size_t size) noexcept {
    constexpr std::size_t longest_transfer = 0x7ffff000;
    return static_cast<std::uint32_t>(std::min(size, longest_transfer));
}

// The kernel's structures have one pointer type for buffers that it reads and that it writes.
// Whether a buffer is written to is decided by the opcode alone.
inline void* writable(const void* address) noexcept { return const_cast<void*>(address); }

}  // namespace detail

inline void operation::prepare(opcode what, int descriptor) noexcept {
    MAYHEM_CHECK(state != operation_state::in_flight, "an operation in flight was prepared again");
    code = what;
    state = operation_state::idle;
    is_multishot = false;
    cancel_requested = false;
    takes_buffer = false;
    step = 0;
    fd = descriptor;
    flags = 0;
    address = nullptr;
    length = 0;
    offset = current_position;
    status = nullptr;
    result = 0;
}

inline void operation::prepare_read(int descriptor, std::span<std::byte> buffer,
                                    std::uint64_t at) noexcept {
    prepare(opcode::read, descriptor);
    address = buffer.data();
    length = detail::transfer_length(buffer.size());
    offset = at;
}

inline void operation::prepare_write(int descriptor, std::span<const std::byte> buffer,
                                     std::uint64_t at) noexcept {
    prepare(opcode::write, descriptor);
    address = detail::writable(buffer.data());
    length = detail::transfer_length(buffer.size());
    offset = at;
}

inline void operation::prepare_recv(int socket, std::span<std::byte> buffer,
                                    int message_flags) noexcept {
    prepare(opcode::recv, socket);
    address = buffer.data();
    length = detail::transfer_length(buffer.size());
    flags = static_cast<std::uint32_t>(message_flags);
}

inline void operation::prepare_send(int socket, std::span<const std::byte> buffer,
                                    int message_flags) noexcept {
    prepare(opcode::send, socket);
    address = detail::writable(buffer.data());
    length = detail::transfer_length(buffer.size());
    flags = static_cast<std::uint32_t>(message_flags | MSG_NOSIGNAL);
}

}  // namespace mayhem
