// Watches a loop being closed, by code that owns the closing: a program's `main`, which leaves
// nothing that could be looked at afterwards. What the original's tests get by replacing
// `loop.close` with a mock.
//
//     close_observer closing(loop, [](event_loop& ending) {
//         EXPECT_TRUE(ending.has_signal_handler(SIGTERM));   // the last chance to look
//     });
//     serve(loop);
//     EXPECT_EQ(closing.calls(), 1);
//
// It refuses to prevent the closing: the loop is closed afterwards, as in the program.
#pragma once

#include <functional>
#include <utility>

#include "loop/loop_probe.hpp"

namespace mayhem::testing {

/// Must not outlive the loop. One at a time.
class close_observer {
  public:
    /// @param at_close is called by each close(), before anything has been let go of; it must not
    /// throw.
    explicit close_observer(event_loop& loop, std::function<void(event_loop&)> at_close = {})
        : loop_(loop), at_close_(std::move(at_close)) {
        loop_probe(loop_).set_close_hook([this] {
            ++calls_;
            if (at_close_) at_close_(loop_);
        });
    }
    close_observer(const close_observer&) = delete;
    close_observer& operator=(const close_observer&) = delete;
    ~close_observer() { loop_probe(loop_).set_close_hook({}); }

    /// How often close() was called, also in vain, when the loop was closed already.
    [[nodiscard]] int calls() const noexcept { return calls_; }

  private:
    event_loop& loop_;
    std::function<void(event_loop&)> at_close_;
    int calls_ = 0;
};

}  // namespace mayhem::testing
