// A scope in which something outside of the loop is at work and will answer: a child process, the
// kernel at a file. It is here for the virtual clock, which must not jump meanwhile.
#pragma once

#include "loop/event_loop.hpp"

namespace mayhem::detail {

class external_work {
  public:
    explicit external_work(event_loop& loop) noexcept : loop_(loop) { loop_.begin_external_work(); }
    external_work(const external_work&) = delete;
    external_work& operator=(const external_work&) = delete;
    ~external_work() { loop_.end_external_work(); }

  private:
    event_loop& loop_;
};

}  // namespace mayhem::detail
