#include "tasks/sync/queue_base.hpp"

namespace mayhem::detail {

void queue_base::task_done() {
    check_thread("queue.task_done");
    if (unfinished_ == 0) throw std::logic_error("task_done() called too many times");
    if (--unfinished_ == 0) finished_.set();
}

void queue_base::item_was_put() noexcept {
    if (unfinished_++ == 0) finished_.clear();
    promise_item();
}

void queue_base::items_were_dropped(std::size_t count) noexcept {
    unfinished_ -= count < unfinished_ ? count : unfinished_;
    if (unfinished_ == 0) finished_.set();
}

void queue_base::close_lines() noexcept {
    is_shutdown_ = true;
    getters_.wake_all();
    putters_.wake_all();
}

void queue_base::promise_item() noexcept {
    if (parked* next = getters_.wake_one()) {
        static_cast<queue_wait*>(next)->give_promise();
        ++promised_items_;
    }
}

void queue_base::promise_slot() noexcept {
    if (parked* next = putters_.wake_one()) {
        static_cast<queue_wait*>(next)->give_promise();
        ++promised_slots_;
    }
}

}  // namespace mayhem::detail
