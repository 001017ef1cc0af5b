// Drives a backend without an event loop: what the tests of backends, and of whatever sits right on
// top of one, need.
//
// It never sleeps. `wait_for` blocks in the backend, where a completion must come; if it never
// comes, an alarm ends the process, so that a lost completion is a failure and not a hang.
#pragma once

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "loop/backend.hpp"
#include "loop/operation.hpp"
#include "loop/ready_queue.hpp"

namespace mayhem::test {

/// An operation that notes what happens to it.
class test_operation final : public operation {
  public:
    void run() noexcept override {
        ++runs;
        if (order != nullptr) order->push_back(this);
    }
    void on_shot(std::int32_t shot, bool more) noexcept override {
        if (more) {
            shots.push_back(shot);
        } else {
            ended_with.push_back(shot);
        }
    }

    int runs = 0;                          ///< terminal completions of a single-shot operation
    std::vector<std::int32_t> shots;       ///< of a multishot one, without the terminal one
    std::vector<std::int32_t> ended_with;  ///< its terminal completions: one, or there is a bug
    std::vector<test_operation*>* order = nullptr;  ///< where to note that it ran
};

/// A ready queue, a backend over it, and the two steps of a tick that a backend takes part in.
class backend_driver {
  public:
    static constexpr unsigned seconds_until_alarm = 60;

    backend_driver() { ::alarm(seconds_until_alarm); }
    explicit backend_driver(std::unique_ptr<backend> made) : backend_driver() {
        backend_ = std::move(made);
    }
    ~backend_driver() {
        if (backend_ != nullptr) finish_everything();
        backend_.reset();
        ::alarm(0);
    }
    backend_driver(const backend_driver&) = delete;
    backend_driver& operator=(const backend_driver&) = delete;

    /// Takes the place of the backend; REQUIRES: there is none, or it is idle.
    void use(std::unique_ptr<backend> made) { backend_ = std::move(made); }

    backend* operator->() noexcept { return backend_.get(); }
    backend& operator*() noexcept { return *backend_; }
    [[nodiscard]] ready_queue& ready() noexcept { return ready_; }

    /// One tick: asks the kernel, then runs what completed. Returns how many ran.
    int tick(wait mode) {
        const std::error_code error = backend_->poll(mode);
        EXPECT_FALSE(error) << error.message();
        return run_ready();
    }

    int run_ready() {
        int count = 0;
        for (; runnable* const item = ready_.pop(); ++count) item->run();
        return count;
    }

    /// Ticks, blocking where the backend would, until `condition` holds.
    template <typename Condition>
    void wait_for(Condition condition) {
        run_ready();
        while (!condition()) tick(wait::yes);
    }

    /// Submits a single-shot operation and waits for its result.
    std::int32_t complete(test_operation& op) {
        const int before = op.runs;
        backend_->submit(op);
        wait_for([&] { return op.runs > before; });
        return op.result;
    }

    /// Cancels what is in flight and waits until nothing is.
    void finish_everything() {
        backend_->cancel_all();
        wait_for([&] { return backend_->in_flight() == 0; });
    }

  private:
    ready_queue ready_;
    std::unique_ptr<backend> backend_;
};

}  // namespace mayhem::test
