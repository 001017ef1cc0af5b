// What a scenario may ask of the simulated kernel, and what it can read of it afterwards.
//
// Everything here is legal behaviour of a real kernel: the question is only how often it shows.
// One seed decides all that is left to chance, and so the same seed is the same run, to the byte
// and to the nanosecond of virtual time. See sim_backend.hpp for the whole picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/clock.hpp"

namespace mayhem {

/// The system calls that the simulated kernel answers. `read` and `write` are those of pipes;
/// `file_read` and `file_write` those of files.
enum class sim_call : std::uint8_t {
    socket,
    socketpair,
    pipe,
    bind,
    listen,
    connect,
    accept,
    shutdown,
    getsockname,
    getpeername,
    getsockopt,
    setsockopt,
    fcntl,
    recv,
    send,
    read,
    write,
    poll,
    openat,
    statx,
    fsync,
    file_read,
    file_write,
    close,
};

/// "connect".
[[nodiscard]] std::string_view to_string(sim_call call) noexcept;

/// Calls of one kind that fail: the first `skip` of them go well, then each fails with `percent`
/// probability, at most `times` in all. A failed call has no effect, but for ECONNRESET, EPIPE and
/// ETIMEDOUT of recv, send, read and write, which end the connection for both sides.
struct sim_fault {
    sim_call call;
    int error;  ///< errno
    unsigned percent = 100;
    std::size_t skip = 0;
    std::size_t times = std::numeric_limits<std::size_t>::max();
};

/// One finished call: when on the virtual clock (since the loop was made), what, and its result (a
/// negative errno when it failed). Opened files give 0, since their numbers are the real kernel's.
struct sim_event {
    duration at;
    sim_call call;
    std::int32_t result;
    friend bool operator==(const sim_event&, const sim_event&) = default;
};

/// What happened in a simulation. It must outlive the loop.
struct sim_report {
    std::uint64_t seed = 0;
    std::size_t calls = 0;          ///< of those that can fail: what `fail_call` counts
    std::string failed_call;        ///< "connect: Connection refused", once `fail_call` came true
    std::vector<sim_event> events;  ///< everything, in its order

    /// The events, one per line.
    [[nodiscard]] std::string to_string() const;
};

struct sim_options {
    /// Unset: MAYHEM_SEED from the environment, or 1.
    std::optional<std::uint64_t> seed{};

    // ---- What every program has to live with ----------------------------------------------

    /// What is ready at the same moment completes in any order. (On one descriptor reads keep
    /// their order, and so do writes.)
    bool permute = true;
    /// Each operation takes effect, and each completion arrives, up to this much later.
    duration delay_max{0};
    /// Reads and writes of streams that move less than they could; in percent.
    unsigned short_percent = 0;
    /// Operations that are interrupted (EINTR, a spurious wake-up) and made again, unseen, later.
    unsigned retry_percent = 0;
    /// Operations that could complete at the moment in which they are cancelled, and do.
    unsigned late_cancel_percent = 50;
    /// Shots of a multishot operation that are its last, as after a full completion queue.
    unsigned end_multishot_percent = 0;
    /// Bytes that a socket or pipe holds; 0 means as many as on Linux.
    std::size_t buffer_bytes = 0;

    // ---- What a scenario asks for ---------------------------------------------------------

    std::vector<sim_fault> faults{};
    /// The n-th call that can fail does, with one of its legal errors (the seed chooses); 0: none.
    /// Count them first, with a `report` and without this.
    std::size_t fail_call = 0;
    /// Where to write what happens; null: nowhere.
    sim_report* report = nullptr;

    /// All of the first part at once: delays, short transfers, retries, races, small buffers.
    [[nodiscard]] static sim_options rough(std::uint64_t seed);
    /// None of it: everything is done at once and in order.
    [[nodiscard]] static sim_options calm();
};

}  // namespace mayhem
