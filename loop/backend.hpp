// The contract between the loop and the kernel. `uring_backend`, `epoll_backend` and `sim_backend`
// are siblings behind it: whoever reads one of them needs to know only this page.
//
// Facts. io_uring speaks completions ("the read is done, 17 bytes"), epoll speaks readiness ("a
// read would not block now"). Coroutines want completions, so completions are the contract and
// the epoll backend makes them out of readiness.
//
// The promises of a backend:
//  1. A submitted operation completes exactly once (a multishot one: shots, then one terminal
//     completion). Completed operations are appended to the ready queue; user code is never
//     called from inside the backend. Who can go on at once uses `start`, which may answer that
//     the operation is complete already; it then never enters the queue.
//  2. `cancel` asks. The target completes with -ECANCELED if it had no effect yet, otherwise with
//     its own result. Bytes that were read are never dropped.
//  3. Nothing blocks but `poll(wait::yes)`. (Regular files on epoll are the exception, because the
//     kernel has no readiness for them: see `completes_files_asynchronously`; and `sendfile`, which
//     waits for what is not in the page cache.)
//  4. Descriptors: before one is closed, the backend is told (`opcode::close`, or `forget` followed
//     by ::close), so that no stale registration survives into its next owner's life. This is the
//     caller's half of the contract: where it is broken, the next owner of the number may wait for
//     ever on epoll. What is in flight on the descriptor then completes with -ECANCELED on epoll;
//     io_uring goes on with the open file, so cancel and wait before closing.
//  5. Descriptors may be blocking or not, and stay as they are: the flag belongs to all who share
//     the open file. Those that a backend makes are non-blocking, so that plain calls can use them
//     as well.
//  6. One thread: a backend is made and used on the same one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "loop/check.hpp"
#include "loop/operation.hpp"
#include "loop/ready_queue.hpp"

namespace mayhem {

class sim_backend;
struct sim_options;

enum class wait : bool { no, yes };

class backend {
  public:
    backend() noexcept = default;
    backend(const backend&) = delete;
    backend& operator=(const backend&) = delete;
    virtual ~backend() = default;

    /// "io_uring", "epoll" or "sim".
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// False when file operations (openat, statx, fsync, reads of regular files) would block the
    /// calling thread inside `submit`; whoever cares sends them to an executor instead.
    [[nodiscard]] virtual bool completes_files_asynchronously() const noexcept = 0;

    /// Starts `op`. Never fails: an operation that cannot be started completes with the error.
    /// REQUIRES: `op` is prepared and not in flight; the loop's thread.
    virtual void submit(operation& op) noexcept = 0;

    /// The same, for an owner who need not wait when there is nothing to wait for. @returns true
    /// when `op` is complete: it has its result, and does not go through the ready queue. A backend
    /// that finds nothing out at once leaves this as it is.
    [[nodiscard]] virtual bool start(operation& op) noexcept {
        submit(op);
        return false;
    }

    /// Asks for the end of `op`; does nothing when it is not in flight.
    virtual void cancel(operation& op) noexcept = 0;

    /// Hands everything submitted to the kernel and reaps what is complete. With `wait::yes` it
    /// blocks until at least one completion (or a signal interrupts it: it may return with none).
    /// An error is final: the kernel object is unusable (EBADF, EEXIST from a foreign thread).
    [[nodiscard]] virtual std::error_code poll(wait mode) noexcept = 0;

    /// Is it time for a look (`poll(wait::no)`), asks a loop that has other things to do. Where a
    /// look is a system call, only some time after the last one.
    [[nodiscard]] virtual bool is_look_due() noexcept { return true; }

    /// The descriptor is about to be closed by somebody else.
    virtual void forget(int fd) noexcept = 0;

    /// The simulation, when this is one; null on a real kernel.
    [[nodiscard]] virtual sim_backend* simulation() noexcept { return nullptr; }

    /// Operations between submit and their terminal completion.
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_count_; }

    /// Asks for the end of everything in flight.
    virtual void cancel_all() noexcept = 0;

  protected:
    // The two ends of an operation's life, shared by the backends so that the state machine of
    // operation.hpp is written once.
    void started(operation& op) noexcept;
    void finished(operation& op, std::int32_t result, ready_queue& ready) noexcept;
    // The same for a single-shot operation that is run by the caller.
    void finished_here(operation& op, std::int32_t result) noexcept;
    // Both ends at once, for a single-shot operation that `start` completes. @returns true.
    static bool finished_at_once(operation& op, std::int32_t result) noexcept;

  private:
    std::size_t in_flight_count_ = 0;
};

/// Which backend to use; `automatic` probes io_uring and falls back to epoll.
enum class backend_kind : std::uint8_t { automatic, uring, epoll, sim };

/// A kind from a name ("uring", "io_uring", "epoll", "sim", "auto"); an error message that lists
/// the choices otherwise.
[[nodiscard]] std::expected<backend_kind, std::string> parse_backend(std::string_view name);

/// Makes a backend that completes into `ready`; `simulation` is for `sim`. `automatic` follows
/// MAYHEM_BACKEND when it is set; otherwise it tries io_uring, and on refusal logs one line that
/// names the reason and the remedy and takes epoll. Asking for io_uring by name does not fall back:
/// it fails.
[[nodiscard]] std::expected<std::unique_ptr<backend>, std::error_code> make_backend(
    backend_kind kind, ready_queue& ready, const sim_options& simulation);
[[nodiscard]] std::expected<std::unique_ptr<backend>, std::error_code> make_backend(
    backend_kind kind, ready_queue& ready);

// ---- Implementation details follow: inline, because every operation passes here ----------------

inline void backend::started(operation& op) noexcept {
    MAYHEM_CHECK(op.state == operation_state::idle,
                 "an operation was submitted twice, or again without being prepared");
    op.state = operation_state::in_flight;
    op.cancel_requested = false;
    op.step = 0;
    ++in_flight_count_;
}

inline void backend::finished_here(operation& op, std::int32_t result) noexcept {
    MAYHEM_CHECK(op.state == operation_state::in_flight, "an operation completed twice");
    --in_flight_count_;
    op.result = result;
    op.state = operation_state::completed;
}

inline void backend::finished(operation& op, std::int32_t result, ready_queue& ready) noexcept {
    finished_here(op, result);
    if (op.is_multishot) {
        // Idle before the owner hears of it, so that it may submit again from inside `on_shot`.
        op.state = operation_state::idle;
        op.on_shot(result, false);
        return;
    }
    ready.push(op);
}

inline bool backend::finished_at_once(operation& op, std::int32_t result) noexcept {
    MAYHEM_CHECK(op.state == operation_state::idle,
                 "an operation was submitted twice, or again without being prepared");
    op.state = operation_state::completed;
    op.result = result;
    return true;
}

}  // namespace mayhem
