#include "loop/handle.hpp"

#include <fmt/format.h>

#include "loop/event_loop.hpp"
#include "loop/report.hpp"
#include "loop/slow_step.hpp"

namespace mayhem {
namespace detail {

void callback::note_home() noexcept { home_ = loop_.id(); }

void callback::run() noexcept {
    if (!is_cancelled()) {
        const slow_step_watch watch(loop_, *this);
        const context_switch inside(loop_.active_context(), context_);
        try {
            call();
        } catch (...) {
            detail::report(loop_, std::current_exception(), [this] {
                return exception_context{.message = "Exception in callback " + describe(),
                                         .subject = describe()};
            });
        }
    }
    discard();
}

void callback::discard() noexcept {
    // Captures die here, on the loop's thread, however long somebody keeps the handle. Acquire: who
    // finds itself the last must see everything that the others did before.
    if (references_.load(std::memory_order_acquire) == 1) {
        delete this;
    } else {
        drop_function();
        release();
    }
}

std::string callback::describe() const {
    return fmt::format("<Handle created at {}:{}>", where_.file_name(), where_.line());
}

}  // namespace detail

void handle::cancel() {
    if (state_ == nullptr) return;
    const bool is_waiting = state_->is_armed();  // so the loop still exists
    if (is_waiting) state_->loop().check_thread("handle.cancel");
    state_->cancel();
    if (!is_waiting) return;
    state_->loop().cancel_timer(*state_);
    state_->discard();  // the loop's reference: nothing will run that would give it up
}

}  // namespace mayhem
