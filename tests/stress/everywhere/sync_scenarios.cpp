// Locks, semaphores, conditions, barriers, events and queues: what is handed from task to task must
// not get lost when one of them is cancelled.

#include "tests/stress/everywhere/scenarios.hpp"

namespace mayhem::testing {
namespace {

// ---- Locks and semaphores -----------------------------------------------------------------

struct room {
    int inside = 0;
    int most = 0;
    void enter() { most = std::max(most, ++inside); }
    void leave() { --inside; }
};

coro<> visit(lock& door, room& behind) {
    auto held = co_await door.acquire_guard();
    behind.enter();
    try {
        co_await yield();
    } catch (...) {
        behind.leave();
        throw;
    }
    behind.leave();
}

coro<> a_lock_is_handed_on(notes& found) {
    auto& door = found.keep<lock>();
    auto& behind = found.keep<room>();
    found.afterwards([&] {
        found.require(behind.most <= 1, "two tasks held one lock");
        found.require(behind.inside == 0, "somebody is inside still");
        found.require(!door.locked(), "the lock is held by nobody, and locked");
    });
    co_await see_to_the_end(all_of(create_task(visit(door, behind)),
                                   create_task(visit(door, behind)),
                                   create_task(visit(door, behind))));
}

coro<> pass(semaphore& permits, room& behind) {
    auto held = co_await permits.acquire_guard();
    behind.enter();
    try {
        co_await yield();
    } catch (...) {
        behind.leave();
        throw;
    }
    behind.leave();
}

coro<> permits_come_back(notes& found) {
    auto& permits = found.keep<semaphore>(2);
    auto& behind = found.keep<room>();
    found.afterwards([&] {
        found.require(behind.most <= 2, "three tasks held two permits");
        found.require(permits.value() == 2, "a permit is lost");
    });
    std::vector<task<>> visitors;
    for (int i = 0; i < 4; ++i) visitors.push_back(create_task(pass(permits, behind)));
    co_await see_to_the_end(visitors);
}

// ---- Conditions ---------------------------------------------------------------------------

struct shelf {
    condition changed;
    int tokens = 0;
    int taken = 0;
};

coro<> take_token(shelf& from) {
    auto held = co_await from.changed.acquire_guard();
    while (from.tokens == 0) co_await from.changed.wait();
    --from.tokens;
    ++from.taken;
}

coro<> put_token(shelf& to) {
    auto held = co_await to.changed.acquire_guard();
    ++to.tokens;
    to.changed.notify(1);
}

/// One token, two who want it: if the one who was notified is cancelled, the other gets it.
coro<> a_notification_is_passed_on(notes& found) {
    auto& shared = found.keep<shelf>();
    found.afterwards([&] {
        found.require(shared.tokens >= 0, "a token was taken twice");
        found.require(!shared.changed.locked(), "nobody holds the condition's lock");
    });
    auto takers = all_of(create_task(take_token(shared)), create_task(take_token(shared)));
    auto putter = create_task(put_token(shared));
    co_await see_to_the_end(all_of(putter));
    for (;;) {
        std::erase_if(takers, [](auto& one) { return one.done(); });
        const bool nothing_to_take = shared.tokens == 0;
        if (takers.empty() || nothing_to_take) break;
        co_await see_the_first(takers);
    }
    for (auto& one : takers) one.cancel();
    co_await see_to_the_end(takers);
}

// ---- Barriers and events ------------------------------------------------------------------

coro<> arrive(barrier& gate, int& passed) {
    try {
        co_await gate.wait();
        ++passed;
    } catch (const broken_barrier&) {
    }
}

coro<> a_barrier_counts_who_is_there(notes& found) {
    auto& gate = found.keep<barrier>(3);
    auto& passed = found.keep<int>(0);
    found.afterwards(
        [&] { found.require(gate.n_waiting() == 0, "the barrier counts somebody who has left"); });
    auto parties = all_of(create_task(arrive(gate, passed)), create_task(arrive(gate, passed)),
                          create_task(arrive(gate, passed)));
    co_await see_the_first(parties);
    auto breaking = create_task(gate.abort());
    co_await see_to_the_end(all_of(breaking));
    for (auto& one : parties) one.cancel();  // if the breaking was cancelled
    co_await see_to_the_end(parties);
}

coro<> wait_for_event(event& flag, int& woken) {
    co_await flag.wait();
    ++woken;
}

coro<> set_event(event& flag) {
    co_await yield();
    flag.set();
    flag.clear();
    co_await yield();
    flag.set();
}

coro<> an_event_wakes_everybody(notes& found) {
    auto& flag = found.keep<event>();
    auto& woken = found.keep<int>(0);
    found.afterwards([&] { found.require(woken <= 2, "somebody was woken twice"); });
    auto waiting =
        all_of(create_task(wait_for_event(flag, woken)), create_task(wait_for_event(flag, woken)));
    co_await see_to_the_end(all_of(create_task(set_event(flag))));
    flag.set();
    co_await see_to_the_end(waiting);
}

// ---- Queues -------------------------------------------------------------------------------

struct traffic {
    int put = 0;
    int got = 0;
};

template <typename Queue>
coro<> produce(Queue& to, traffic& counts) {
    for (int item = 1; item <= 2; ++item) {
        co_await to.put(item);
        ++counts.put;
    }
}

template <typename Queue>
coro<> consume(Queue& from, traffic& counts) {
    try {
        for (;;) {
            [[maybe_unused]] const int item = co_await from.get();
            ++counts.got;
            from.task_done();
        }
    } catch (const queue_shutdown&) {
    }
}

/// Items put = items got + items left, whoever is cancelled.
template <typename Queue>
coro<> nothing_is_lost_between(std::size_t room_for, notes& found) {
    auto& items = found.keep<Queue>(room_for);
    auto& counts = found.keep<traffic>();
    found.afterwards([&] {
        found.require(counts.put == counts.got + static_cast<int>(items.size()),
                      "items put are not items got and items left");
    });
    auto consumers =
        all_of(create_task(consume(items, counts)), create_task(consume(items, counts)));
    auto producers =
        all_of(create_task(produce(items, counts)), create_task(produce(items, counts)));
    co_await see_to_the_end(producers);
    items.shutdown();
    co_await see_to_the_end(consumers);
}

coro<> a_narrow_queue_loses_nothing(notes& found) {
    co_await nothing_is_lost_between<queue<int>>(1, found);
}
coro<> a_wide_queue_loses_nothing(notes& found) {
    co_await nothing_is_lost_between<queue<int>>(0, found);
}
coro<> a_priority_queue_loses_nothing(notes& found) {
    co_await nothing_is_lost_between<priority_queue<int>>(1, found);
}

coro<> await_empty(queue<int>& items) { co_await items.join(); }

coro<> join_ends_when_all_is_done(notes& found) {
    auto& items = found.keep<queue<int>>();
    auto& counts = found.keep<traffic>();
    auto consumer = create_task(consume(items, counts));
    auto producer = create_task(produce(items, counts));
    co_await see_to_the_end(all_of(producer));
    auto joining = create_task(await_empty(items));
    co_await see_the_first(all_of(joining, consumer));
    const bool has_joined = joining.done() && !joining.is_cancelled();
    if (has_joined) found.require(counts.got == counts.put, "join ended before the work was done");
    items.shutdown(true);
    co_await see_to_the_end(all_of(joining, consumer));
}

}  // namespace

const std::vector<named_body>& sync_scenarios() {
    static const std::vector<named_body> all{
        {"a_lock_is_handed_on", a_lock_is_handed_on},
        {"permits_come_back", permits_come_back},
        {"a_notification_is_passed_on", a_notification_is_passed_on},
        {"a_barrier_counts_who_is_there", a_barrier_counts_who_is_there},
        {"an_event_wakes_everybody", an_event_wakes_everybody},
        {"a_narrow_queue_loses_nothing", a_narrow_queue_loses_nothing},
        {"a_wide_queue_loses_nothing", a_wide_queue_loses_nothing},
        {"a_priority_queue_loses_nothing", a_priority_queue_loses_nothing},
        {"join_ends_when_all_is_done", join_ends_when_all_is_done},
    };
    return all;
}

}  // namespace mayhem::testing
