// Completions made out of readiness.
//
// Facts. epoll tells that a descriptor became ready; a completion tells that the work is done.
// Solution. Try the system call at once: most writes, and reads whose data is already here, finish
// there and then. What answers EAGAIN is parked at its descriptor, first in, first out, reads and
// writes apart; when the descriptor becomes ready, the parked ones are tried again in that order.
//
//   submit --> system call --done--> ready queue
//                  | EAGAIN
//                  v
//            parked at fd --event--> fd in the ready queue --its turn--> system call --done--> run
//                  ^                                                          | EAGAIN
//                  +----------------------------------------------------------+
//
// Turns. An event performs nothing: it enters the descriptor in the ready queue, and the call is
// made when its turn comes, right before the task that waits for it goes on. So what was read is
// used while it is in the processor's cache, and so is the kernel's side of the socket; a loop with
// hundreds of busy connections reads into one buffer again and again instead of filling hundreds;
// an answer is on its way before the next request is read; and an operation that is cancelled
// before its turn has taken nothing.
//
// A descriptor is registered once, on its first park, edge-triggered and for both directions, so
// that the hot path never calls epoll_ctl. Edge-triggered is safe here because an operation is
// parked after an EAGAIN: whatever becomes ready later is a new edge. There is one exception:
//
// Drained. In a dialogue the next read is asked for right after one that took all there was; trying
// it costs a system call per message to learn nothing. So a read that filled its buffer in part
// marks the descriptor as drained until its next event, and the next read parks untried. On TCP a
// short read means empty (epoll(7) says so; the end of the stream, errors and urgent data have
// events of their own that end the trust). Elsewhere (datagrams, a terminal's lines, a unix
// socket's passed descriptors) it need not, so those readers are tried once the kernel tells of
// nothing, and now and then while it does. The same is done where messages fill the buffer exactly
// (frames of one size, read_exactly): a read that filled it says nothing by itself, but when
// nothing was left behind the last few of them, the next one of that length is believed until it is
// found wrong. (One of another length is tried: behind a header there may be a body.)
//
// Trade-offs. Regular files have no readiness: their operations block inside `submit`. A
// descriptor that is blocking (an inherited stdin or pipe) is asked for its readiness before every
// call and left blocking, because the flag belongs to everybody who shares it; if another process
// takes the data in between, the call blocks until there is more.
//
// What it refuses: to run user code anywhere but in a descriptor's turn. Shots are called from
// `poll` alone; what else finds out something about a multishot operation leaves it in `due_` until
// then.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "loop/backend.hpp"
#include "loop/clock.hpp"
#include "loop/fd.hpp"
#include "loop/intrusive_list.hpp"
#include "loop/operation.hpp"
#include "loop/ready_queue.hpp"
#include "loop/unblocked_call.hpp"

namespace mayhem {

class epoll_backend : public backend {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<backend>, std::error_code> create(
        ready_queue& ready);
    /// REQUIRES: nothing is in flight.
    ~epoll_backend() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }
    [[nodiscard]] bool completes_files_asynchronously() const noexcept override { return false; }
    void submit(operation& op) noexcept override;
    [[nodiscard]] bool start(operation& op) noexcept override;
    void cancel(operation& op) noexcept override;
    void cancel_all() noexcept override;
    [[nodiscard]] std::error_code poll(wait mode) noexcept override;
    [[nodiscard]] bool is_look_due() noexcept override;
    void forget(int fd) noexcept override;

  protected:
    // For the sim backend, which leaves real descriptors to this one.
    epoll_backend(ready_queue& ready, unique_fd epoll);

  private:
    using parked_list = intrusive_list<operation, parked_tag>;

    struct unchecked_tag;

    // How far a drained descriptor is believed (see "drained" above).
    enum class trust : std::uint8_t { unknown, full, until_checked };

    // Everything about one descriptor. It lives in a table indexed by the descriptor's number.
    struct descriptor final : runnable, list_hook<unchecked_tag> {
        void run() noexcept override;
        void discard() noexcept override { may_read = may_write = false; }

        epoll_backend* owner = nullptr;
        parked_list readers;       // read, recv, recvmsg, accept
        std::uint32_t filled = 0;  // length of the buffer that the last read filled, if it did, and
                                   // no event has come since
        bool may_read = false;     // an event came. While it or the next is true, this waits in the
        bool may_write = false;    // ready queue for its turn
        bool registered = false;
        bool drained = false;      // the last read emptied it, and no event has come since
        std::uint8_t emptied = 0;  // reads in a row that filled their buffer and left nothing
        bool ending = false;       // end of stream, error or urgent data: never drained any more
        trust trusted = trust::unknown;
        detail::descriptor_kind kind = detail::descriptor_kind::unknown;
        parked_list writers;  // write, send, sendmsg, connect
        parked_list polls;    // poll, of both kinds; they consume nothing, so there is no order
    };

    // How far an operation is: the values of `operation::step`.
    enum step : std::uint8_t {
        trying,      // its system call is to be made (again)
        connecting,  // connect was started: the socket becomes writable when it is decided
        decided,     // `result` is the terminal result of a multishot operation, to be told by poll
    };

    std::expected<descriptor*, std::int32_t> add(int fd) noexcept;
    /// The entry of `fd`, or null while there is none.
    descriptor* known(int fd) noexcept {
        const auto index = static_cast<std::size_t>(fd);  // huge when it is negative
        return index / page_entries < table_.size()
                   ? &(*table_[index / page_entries])[index % page_entries]
                   : nullptr;
    }
    descriptor& at(int fd) noexcept { return *known(fd); }
    static parked_list& side(operation& op, descriptor& entry) noexcept;

    std::int32_t attempt(operation& op, descriptor& entry) noexcept;
    std::int32_t receive(operation& op, descriptor& entry) noexcept;
    static std::int32_t call(operation& op, descriptor& entry) noexcept;
    // Flags such as MSG_PEEK leave behind what they showed.
    static bool can_drain(const operation& op) noexcept {
        if (op.code == opcode::recv) return op.flags == 0;
        return op.code == opcode::read && op.offset == operation::current_position;
    }
    // A connect to a unix socket whose queue is full answers EAGAIN, and no event will ever tell
    // when there is room: that is its result.
    static bool must_wait(const operation& op, std::int32_t result) noexcept {
        return result == (op.code == opcode::connect ? -EINPROGRESS : -EAGAIN);
    }
    void unpark(operation& op) noexcept;
    static void note_read(const operation& op, descriptor& entry, std::int32_t result) noexcept;
    void park_on_trust(operation& op, descriptor& entry) noexcept;
    void check_trusted() noexcept;
    bool is_check_due() noexcept;
    void park(operation& op, descriptor& entry) noexcept;
    int watch(int fd, descriptor& entry, bool again) noexcept;

    int reap(bool block) noexcept;
    void give_turn(descriptor& entry, bool& may) noexcept;
    void wake_readers(descriptor& entry) noexcept;
    operation* resume(parked_list& waiting, descriptor& entry, operation* first) noexcept;
    void drop(parked_list& waiting) noexcept;
    bool refuse(operation& op, std::int32_t error) noexcept;

    // Multishot operations: epoll_multishot.cpp.
    void start_multishot(operation& op, descriptor& entry) noexcept;
    void accept_burst(operation& op, descriptor& entry) noexcept;
    void report_polls(descriptor& entry, std::uint32_t events) noexcept;
    void decide(operation& op, std::int32_t result) noexcept;
    void run_due() noexcept;

    ready_queue& ready_;
    unique_fd epoll_;
    // In pages, because entries hold the roots of lists and must not move when the table grows.
    static constexpr std::size_t page_entries = 64;
    std::vector<std::unique_ptr<std::array<descriptor, page_entries>>> table_;
    // Whose readers were parked on trust, without the EAGAIN that makes an edge certain.
    intrusive_list<descriptor, unchecked_tag> unchecked_;
    unsigned polls_since_check_ = 0;
    time_point last_check_{};  // of those, by a busy loop
    time_point last_look_{};   // at the kernel, by a busy loop
    // What the next poll has to deal with without being told by the kernel.
    parked_list due_;
};

}  // namespace mayhem
