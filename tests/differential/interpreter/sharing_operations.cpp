// The operations that wait for shared objects: locks, events, conditions, barriers, queues.
#include <fmt/format.h>

#include "tests/differential/interpreter/world.hpp"

namespace mayhem::differential {

/// `with` a lock, a semaphore or a condition.
coro<bool> world::do_hold(const node* line, frame* own) {
    const std::string& name = line->name();
    guard<lock> held;
    guard<semaphore> permit;
    if (const auto known = locks_.find(name); known != locks_.end()) {
        held = co_await known->second.acquire_guard();
    } else if (const auto counted = semaphores_.find(name); counted != semaphores_.end()) {
        permit = co_await counted->second.acquire_guard();
    } else {
        held = co_await conditions_.at(name).acquire_guard();
    }
    tell(*line, *own, "held");
    co_return co_await block(&line->children, own);
}

coro<bool> world::do_event_wait(const node* line, frame* own) {
    co_await events_.at(line->name()).wait();
    tell(*line, *own, "seen");
    co_return false;
}

coro<bool> world::do_condition_wait(const node* line, frame* own) {
    co_await conditions_.at(line->name()).wait();
    tell(*line, *own, "notified");
    co_return false;
}

coro<bool> world::do_barrier_wait(const node* line, frame* own) {
    const std::size_t index = co_await barriers_.at(line->name()).wait();
    tell(*line, *own, std::to_string(index));
    co_return false;
}

coro<bool> world::do_barrier_reset(const node* line, frame* own) {
    co_await barriers_.at(line->name()).reset();
    tell(*line, *own, "over");
    co_return false;
}

coro<bool> world::do_barrier_abort(const node* line, frame* own) {
    co_await barriers_.at(line->name()).abort();
    tell(*line, *own, "over");
    co_return false;
}

// ---- Queues: one kind or another ----------------------------------------------------------

coro<bool> world::do_put(const node* line, frame* own) {
    any_queue& chosen = queues_.at(line->name());
    const int item = line->number(1);
    if (auto* fifo = std::get_if<0>(&chosen)) co_await fifo->put(item);
    if (auto* lifo = std::get_if<1>(&chosen)) co_await lifo->put(item);
    if (auto* sorted = std::get_if<2>(&chosen)) co_await sorted->put(item);
    tell(*line, *own, "over");
    co_return false;
}

coro<bool> world::do_get(const node* line, frame* own) {
    any_queue& chosen = queues_.at(line->name());
    int item = 0;
    if (auto* fifo = std::get_if<0>(&chosen)) item = co_await fifo->get();
    if (auto* lifo = std::get_if<1>(&chosen)) item = co_await lifo->get();
    if (auto* sorted = std::get_if<2>(&chosen)) item = co_await sorted->get();
    tell(*line, *own, std::to_string(item));
    co_return false;
}

coro<bool> world::do_join(const node* line, frame* own) {
    any_queue& chosen = queues_.at(line->name());
    if (auto* fifo = std::get_if<0>(&chosen)) co_await fifo->join();
    if (auto* lifo = std::get_if<1>(&chosen)) co_await lifo->join();
    if (auto* sorted = std::get_if<2>(&chosen)) co_await sorted->join();
    tell(*line, *own, "over");
    co_return false;
}

}  // namespace mayhem::differential
