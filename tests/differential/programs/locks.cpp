// Twins about locks, semaphores, events, conditions and barriers.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace lock_fifo {
coro<> worker(std::string name, lock& lock) {
    for (const int turn : {1, 2}) {
        const auto held = co_await lock.acquire_guard();
        event("{} turn {}", name, turn);
    }
}
}  // namespace lock_fifo

PAIR(lock_fifo) {
    lock shared;
    auto a = create_task(lock_fifo::worker("a", shared));
    auto b = create_task(lock_fifo::worker("b", shared));
    auto c = create_task(lock_fifo::worker("c", shared));
    co_await a;
    co_await b;
    co_await c;
}

namespace lock_cancelled {
coro<> worker(std::string name, lock& lock) {
    const auto held = co_await lock.acquire_guard();
    event("{} has it", name);
    co_await sleep(1s);
}
}  // namespace lock_cancelled

PAIR(lock_cancelled) {
    lock shared;
    co_await shared.acquire();
    auto first = create_task(lock_cancelled::worker("first", shared));
    auto second = create_task(lock_cancelled::worker("second", shared));
    co_await sleep(1s);
    shared.release();
    first.cancel();
    co_await second;
    event("first cancelled {}, locked {}", yes(first.is_cancelled()), yes(shared.locked()));
}

namespace lock_handed_over {
coro<> worker(lock& lock) {
    const auto held = co_await lock.acquire_guard();
    event("worker has it");
}
}  // namespace lock_handed_over

PAIR(lock_handed_over) {
    lock shared;
    co_await shared.acquire();
    auto waiting = create_task(lock_handed_over::worker(shared));
    co_await sleep(1s);
    shared.release();
    event("locked {}", yes(shared.locked()));
    co_await waiting;
    event("locked {}", yes(shared.locked()));
}

namespace semaphore_permits {
coro<> worker(std::string name, semaphore& permits) {
    {
        const auto permit = co_await permits.acquire_guard();
        event("{} in", name);
        co_await sleep(1s);
    }
    event("{} out", name);
}
}  // namespace semaphore_permits

PAIR(semaphore_permits) {
    semaphore permits(2);
    std::vector<task<>> workers;
    for (const char* name : {"a", "b", "c", "d"}) {
        workers.push_back(create_task(semaphore_permits::worker(name, permits)));
    }
    for (auto& each : workers) co_await each;
    event("locked {}", yes(permits.locked()));
}

/// What the next two programs call worker().
coro<> enter(std::string name, semaphore& permits) {
    const auto permit = co_await permits.acquire_guard();
    event("{} in", name);
}

PAIR(semaphore_cancelled) {
    semaphore permits(0);
    auto a = create_task(enter("a", permits));
    auto b = create_task(enter("b", permits));
    auto c = create_task(enter("c", permits));
    co_await sleep(1s);
    permits.release();
    a.cancel();
    co_await b;
    permits.release();
    co_await c;
}

PAIR(semaphore_waits_its_turn) {
    semaphore permits(0);
    auto first = create_task(enter("first", permits));
    co_await sleep(1s);
    permits.release();
    permits.release();
    event("locked {}", yes(permits.locked()));
    co_await enter("newcomer", permits);
    co_await first;
}

namespace event_set_and_clear {
coro<> waiter(std::string name, mayhem::event& flag) {
    co_await flag.wait();
    event("{} goes on, set {}", name, yes(flag.is_set()));
}
}  // namespace event_set_and_clear

PAIR(event_set_and_clear) {
    mayhem::event flag;
    auto a = create_task(event_set_and_clear::waiter("a", flag));
    auto b = create_task(event_set_and_clear::waiter("b", flag));
    co_await sleep(1s);
    flag.set();
    flag.clear();
    co_await a;
    co_await b;
    auto late = create_task(event_set_and_clear::waiter("late", flag));
    co_await sleep(1s);
    flag.set();
    co_await late;
}

/// What two of the next three programs call waiter().
coro<> wait_once(std::string name, condition& changed) {
    const auto held = co_await changed.acquire_guard();
    co_await changed.wait();
    event("{} notified", name);
}

PAIR(condition_notify) {
    condition changed;
    auto a = create_task(wait_once("a", changed));
    auto b = create_task(wait_once("b", changed));
    auto c = create_task(wait_once("c", changed));
    co_await sleep(1s);
    {
        const auto held = co_await changed.acquire_guard();
        changed.notify(2);
        event("two notified");
        co_await sleep(1s);
    }
    co_await sleep(1s);
    {
        const auto held = co_await changed.acquire_guard();
        changed.notify_all();
    }
    co_await a;
    co_await b;
    co_await c;
}

namespace condition_cancelled {
coro<> waiter(std::string name, condition& changed) {
    const auto held = co_await changed.acquire_guard();
    try {
        co_await changed.wait();
        event("{} notified", name);
    } catch (const cancelled&) {
        event("{} cancelled, locked {}", name, yes(changed.locked()));
        throw;
    }
}
}  // namespace condition_cancelled

PAIR(condition_cancelled) {
    condition changed;
    auto first = create_task(condition_cancelled::waiter("first", changed));
    auto second = create_task(condition_cancelled::waiter("second", changed));
    co_await sleep(1s);
    {
        const auto held = co_await changed.acquire_guard();
        changed.notify();
        first.cancel();
    }
    co_await second;
}

PAIR(condition_no_false_alarm) {
    condition changed;
    auto first = create_task(wait_once("first", changed));
    auto second = create_task(wait_once("second", changed));
    co_await sleep(1s);
    first.cancel();
    co_await sleep(1s);
    event("second is done: {}", yes(second.done()));
    second.cancel();
    co_await wait(list_of(first, second));
}

namespace barrier_rounds {
coro<> worker(std::string name, barrier& gate) {
    for (const int turn : {1, 2}) {
        const std::size_t index = co_await gate.wait();
        event("{} turn {} as {}", name, turn, index);
    }
}
}  // namespace barrier_rounds

PAIR(barrier_rounds) {
    barrier gate(2);
    auto a = create_task(barrier_rounds::worker("a", gate));
    auto b = create_task(barrier_rounds::worker("b", gate));
    co_await a;
    co_await b;
    event("waiting {}", gate.n_waiting());
}

namespace barrier_abort {
coro<> worker(std::string name, barrier& gate) {
    try {
        co_await gate.wait();
        event("{} passed", name);
    } catch (const broken_barrier&) {
        event("{} sent away", name);
    }
}
}  // namespace barrier_abort

PAIR(barrier_abort) {
    barrier gate(3);
    auto a = create_task(barrier_abort::worker("a", gate));
    auto b = create_task(barrier_abort::worker("b", gate));
    co_await sleep(1s);
    co_await gate.abort();
    co_await barrier_abort::worker("late", gate);
    event("broken {}", yes(gate.broken()));
    co_await a;
    co_await b;
    co_await gate.reset();
    event("broken {}", yes(gate.broken()));
}

}  // namespace
}  // namespace mayhem::differential
