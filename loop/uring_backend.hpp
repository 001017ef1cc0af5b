// Completions as the kernel makes them.
//
// An operation becomes one submission (SQE) whose user_data is the operation's address; its
// completion (CQE) brings the address back. Nothing is looked up and nothing is allocated.
//
//   submit --> SQ ring --one io_uring_enter per tick--> kernel --> CQ ring --> ready queue
//                ^                                                    |
//                +---- again, after a poll, when it answered EAGAIN --+
//
// Facts and what is made of them:
//  - The SQ ring is full: enter the kernel and go on. When the kernel refuses (EAGAIN, EBUSY), the
//    operation waits in a backlog until `poll` has reaped and there is room. None is lost.
//  - The CQ ring is full: the kernel keeps the rest aside (FEAT_NODROP) and raises a flag that
//  makes
//    the next poll enter and fetch it.
//  - A read that finds nothing costs more than the read itself: the kernel registers a wait, is
//    woken, and tries again. So reads go into the ring last, when the tick is about to enter the
//    kernel: behind the writes, which on sockets of one process bring what is to be read.
//  - A read that brings its own buffer should hold none while it waits, but the kernel wants to
//  know
//    the buffer beforehand. So a bounded number of such reads have one and are like all others;
//    any further one of a socket begins with a poll and is then made by a plain recv, which cannot
//    block and costs a tenth more. (Buffers provided to the kernel would need a stock that has to
//    be guessed, and that runs dry.)
//  - A cancel is a submission of its own. It finds the target, comes too late (ENOENT) or comes
//    while the target is being worked on (EALREADY); in each case the target's own completion says
//    what became of it, so the cancel's is ignored.
//  - Some files answer EAGAIN although the kernel was asked to wait (see `waits_for_readiness`).
//    Then a poll is put in front and the operation is sent again; its owner sees one completion.
//
// The ring belongs to the thread that made it: make and use the backend on one thread. Another
// thread's poll fails with EEXIST, and a log line names the reason. The kernel would say the same
// (SINGLE_ISSUER), but not reliably: the ring's descriptor is registered by a number that is the
// thread's own, and on another thread the same number may mean another loop's ring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>

#include "loop/backend.hpp"
#include "loop/intrusive_list.hpp"
#include "loop/operation.hpp"
#include "loop/ready_queue.hpp"
#include "loop/ring.hpp"

namespace mayhem {

class uring_backend final : public backend {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<backend>, std::error_code> create(
        ready_queue& ready, const detail::ring_options& options = {});
    /// REQUIRES: nothing is in flight.
    ~uring_backend() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
    [[nodiscard]] bool completes_files_asynchronously() const noexcept override { return true; }
    void submit(operation& op) noexcept override;
    void cancel(operation& op) noexcept override;
    void cancel_all() noexcept override;
    [[nodiscard]] std::error_code poll(wait mode) noexcept override;
    /// Nothing to do: the ring keeps no registration of descriptors between operations.
    void forget(int /*fd*/) noexcept override {}

    /// So many reads that bring their own buffer hold it while they wait: 4 MiB at most.
    static constexpr std::size_t lent_max = 256;

  private:
    // How far an operation is: the values of `operation::step`.
    enum step : std::uint8_t {
        backlogged,  // in `reads_` or `backlog_`; the ring does not know it
        sent,        // its submission is in the ring or in the kernel
        polling,     // a poll is in the ring, and the operation follows it
    };

    uring_backend(ready_queue& ready, detail::ring ring) noexcept;

    step first_step(operation& op) noexcept;
    bool lend_buffer(operation& op) noexcept;
    void take_buffer_back(operation& op) noexcept;
    std::int32_t read_now(operation& op) noexcept;
    io_uring_sqe* free_sqe() noexcept;
    bool send(operation& op, step how) noexcept;
    bool send_cancel(operation& op) noexcept;
    void send_or_keep(operation& op) noexcept;
    void send_reads() noexcept;
    void send_file(operation& op) noexcept;
    void drain_backlogs() noexcept;

    [[nodiscard]] std::error_code enter(bool block) noexcept;
    void reap() noexcept;
    void complete(operation& op, std::int32_t result, bool more) noexcept;
    void became_ready(operation& op, std::int32_t result) noexcept;
    void finish(operation& op, std::int32_t result) noexcept;

    ready_queue& ready_;
    detail::ring ring_;
    intrusive_list<operation, in_flight_tag> in_flight_;    // all
    intrusive_list<operation, parked_tag> reads_;           // for the end of the tick
    intrusive_list<operation, parked_tag> backlog_;         // found the ring full
    intrusive_list<operation, parked_tag> cancel_backlog_;  // submitted, and to be cancelled
    std::size_t lent_ = 0;                                  // buffers that operations hold
    const std::thread::id owner_;
};

}  // namespace mayhem
