// The ladder of flags and the check of what the kernel can do. It refuses to half-work: a ring that
// lacks something is given back at once, and the caller takes epoll.
#include "loop/ring.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "loop/error.hpp"

namespace mayhem::detail {

namespace {

constexpr unsigned sized = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

struct rung {
    ring_mode mode;
    unsigned flags;
};

// From the best to the oldest. SUBMIT_ALL: one bad submission does not hold back those behind it.
// TASKRUN_FLAG: the kernel tells in shared memory that it has work for us, so that an idle poll
// needs no system call; it comes with both of the modes in which that work waits for us.
constexpr std::array ladder{
    rung{ring_mode::deferred, sized | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                                  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
    rung{ring_mode::cooperative, sized | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                                     IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
    rung{ring_mode::cooperative,
         sized | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
    rung{ring_mode::plain, sized | IORING_SETUP_SUBMIT_ALL},
    rung{ring_mode::plain, sized},
};

// Every opcode that uring_backend sends. SOCKET is never sent: it arrived in the same release as
// multishot accept (and after multishot poll and CQE_SKIP), which are flags and cannot be probed.
constexpr std::array needed_opcodes{
    IORING_OP_NOP,     IORING_OP_READ,     IORING_OP_WRITE,        IORING_OP_RECV,
    IORING_OP_SEND,    IORING_OP_RECVMSG,  IORING_OP_SENDMSG,      IORING_OP_ACCEPT,
    IORING_OP_CONNECT, IORING_OP_OPENAT,   IORING_OP_STATX,        IORING_OP_FSYNC,
    IORING_OP_CLOSE,   IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL, IORING_OP_SOCKET,
};

// NODROP: completions that do not fit are kept. RW_CUR_POS: offset -1 means the file's position.
// FAST_POLL: a read that would block waits for readiness instead of occupying a thread.
// CQE_SKIP: a cancel that succeeds needs no completion of its own.
constexpr unsigned needed_features =
    IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_CQE_SKIP;

bool has_all_opcodes(::io_uring* ring) {
    struct free_probe {
        void operator()(io_uring_probe* probe) const noexcept { io_uring_free_probe(probe); }
    };
    const std::unique_ptr<io_uring_probe, free_probe> probe(io_uring_get_probe_ring(ring));
    if (probe == nullptr) return false;
    for (const auto opcode : needed_opcodes) {
        if (io_uring_opcode_supported(probe.get(), opcode) == 0) return false;
    }
    return true;
}

}  // namespace

ring::ring() noexcept : raw_{} { raw_.ring_fd = -1; }

ring::ring(ring&& other) noexcept : raw_(other.raw_), mode_(other.mode_) {
    other.raw_.ring_fd = -1;
}

ring::~ring() {
    if (raw_.ring_fd >= 0) io_uring_queue_exit(&raw_);
}

std::expected<ring, std::error_code> ring::create(const ring_options& options) {
    int error = EINVAL;
    for (const rung& step : ladder) {
        if (step.mode < options.best_mode) continue;
        ring made;
        io_uring_params parameters{};
        parameters.flags = step.flags;
        parameters.cq_entries = options.completion_entries;
        error = -io_uring_queue_init_params(options.submission_entries, &made.raw_, &parameters);
        if (error == EINVAL) {
            made.raw_.ring_fd = -1;
            continue;
        }
        if (error != 0) {
            made.raw_.ring_fd = -1;
            return std::unexpected(errno_code(error));
        }
        made.mode_ = step.mode;
        if ((made.raw_.features & needed_features) != needed_features ||
            !has_all_opcodes(&made.raw_)) {
            return std::unexpected(errno_code(EOPNOTSUPP));
        }
        // Saves a look-up of the descriptor per io_uring_enter; not every kernel has it.
        static_cast<void>(io_uring_register_ring_fd(&made.raw_));
        return made;
    }
    return std::unexpected(errno_code(error));
}

}  // namespace mayhem::detail
