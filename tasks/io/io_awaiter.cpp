#include "tasks/io/io_awaiter.hpp"

#include <cerrno>
#include <fmt/format.h>

#include "loop/check.hpp"
#include "tasks/coro/task_base.hpp"
#include "tasks/io/address.hpp"

namespace mayhem::detail {
namespace {

bool brings_descriptor(opcode code) noexcept {
    return code == opcode::accept || code == opcode::openat;
}

}  // namespace

void io_awaiter::drop_result() noexcept {
    if (brings_descriptor(code)) unique_fd(result).reset();
    if (takes_buffer && result > 0) give_read_buffer(static_cast<std::byte*>(address));
}

void io_awaiter::check_thread_slowly() const {
    if (on() != nullptr) on()->check_thread(describe());
}

/// @returns false when there is nothing to wait for.
bool io_awaiter::start() noexcept {
    task_base& waiting = *task();
    if (waiting.has_pending_cancel()) [[unlikely]] {
        deliver_pending_cancel();
        if (asked_) return true;  // woken already, and never to be started
    }
    event_loop& own = *waiting.loop();
    if (on() != nullptr) {
        MAYHEM_CHECK(on()->belongs_to(own), "a stream was used on another loop than its own");
    }
    do {
        if (!own.start(*this)) {
            if (on() != nullptr) enter();
            return true;
        }
    } while (in_parts_ && continues());
    waiting.not_suspended();
    return false;
}

bool io_awaiter::cancel() noexcept {
    switch (state) {
        case operation_state::idle:  // asked by `start`, which then does not submit
            if (asked_) return false;
            asked_ = true;
            wake();
            return true;
        case operation_state::in_flight:
            if (!asked_) loop().cancel(*this);
            asked_ = true;
            return true;
        case operation_state::completed:
            return false;
    }
    return false;
}

bool io_awaiter::is_refused() noexcept {
    if (on() == nullptr || !on()->is_open()) refusal_ = ECANCELED;  // not EBADF: it had begun
    return refusal_ != 0;
}

void io_awaiter::run() noexcept {
    while (in_parts_ && continues()) {
        if (!loop().start(*this)) return;
    }
    leave();  // before the task continues: it may start the next one at once
    task()->resume();
}

void io_awaiter::discard() noexcept { leave(); }

std::int32_t io_awaiter::take_result_slowly() {
    if (refusal_ != 0) return -refusal_;
    const bool never_started = state == operation_state::idle;
    state = operation_state::idle;
    if (never_started || (asked_ && result == -ECANCELED)) throw_if_cancelled(true);
    if (asked_) return_cancel_request();
    return result;
}

std::string io_awaiter::describe() const {
    if (fd < 0) return std::string(to_string(code));
    return fmt::format("{} on descriptor {}", to_string(code), fd);
}

void io_awaiter::throw_failure(std::int32_t error) const {
    std::string what = describe();
    if (refusal_ == EBADF) {
        what = fmt::format("{} on a closed stream", to_string(code));
    } else if (refusal_ == EBUSY) {
        what += fmt::format(": another task {} already",
                            use() == io_use::read ? "reads from it" : "writes to it");
    } else if (error == -ECANCELED) {
        what += ": the stream was closed meanwhile";  // and its number may be another's by now
    } else if (const auto peer = peer_of(fd)) {
        what += fmt::format(" (peer {})", peer->to_string());
    }
    throw_errno(error, what);
}

}  // namespace mayhem::detail
