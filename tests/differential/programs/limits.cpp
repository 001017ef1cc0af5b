// Twins about wait_for, timeout and shield.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace wait_for_timeout {
coro<> work() {
    std::exception_ptr stopped;
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    co_await sleep(2s);
    event("cleaned up");
    std::rethrow_exception(stopped);
}
}  // namespace wait_for_timeout

PAIR(wait_for_timeout) {
    try {
        co_await wait_for(wait_for_timeout::work(), 1s);
    } catch (const timeout_error&) {
        event("timeout");
    }
}

namespace wait_for_swallowed {
coro<int> work() {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        event("swallowed");
    }
    co_return 42;
}
}  // namespace wait_for_swallowed

PAIR(wait_for_swallowed) {
    event("result {}", co_await wait_for(wait_for_swallowed::work(), 1s));
    event("cancelling {}", current_task().cancelling());
}

namespace wait_for_zero {
coro<int> work() {
    event("started");
    co_return 1;
}
}  // namespace wait_for_zero

PAIR(wait_for_zero) {
    auto done = create_task(wait_for_zero::work());
    co_await done;
    event("value {}", co_await wait_for(done, 0s));
    try {
        co_await wait_for(wait_for_zero::work(), 0s);
    } catch (const timeout_error&) {
        event("timeout, unstarted");
    }
}

namespace wait_for_task {
coro<> work(std::string name) {
    try {
        co_await sleep(3s);
        event("{} ends", name);
    } catch (const cancelled&) {
        event("{} cancelled", name);
        throw;
    }
}
}  // namespace wait_for_task

PAIR(wait_for_task) {
    auto bare = create_task(wait_for_task::work("bare"));
    try {
        co_await wait_for(bare, 1s);
    } catch (const timeout_error&) {
        event("bare: timeout, done {}", yes(bare.done()));
    }
    auto shielded = create_task(wait_for_task::work("shielded"));
    try {
        co_await wait_for(shield(shielded), 1s);
    } catch (const timeout_error&) {
        event("shielded: timeout, done {}", yes(shielded.done()));
    }
    co_await shielded;
}

namespace timeout_nested {
coro<> inner_scope(timeout_scope& inner) {
    try {
        co_await inner.run(detail::as_coro(sleep(10s)));
    } catch (const timeout_error&) {
        event("inner converts");
    }
}
}  // namespace timeout_nested

PAIR(timeout_nested) {
    const time_point in_a_second = get_running_loop().time() + 1s;
    timeout_scope outer(in_a_second);
    timeout_scope inner(in_a_second);
    try {
        co_await outer.run(timeout_nested::inner_scope(inner));
    } catch (const timeout_error&) {
        event("outer converts");
    }
    event("expired {} {}", yes(outer.expired()), yes(inner.expired()));
}

namespace timeout_reschedule {
coro<> work(timeout_scope& limit) {
    limit.reschedule(get_running_loop().time() + 3s);
    co_await sleep(2s);
    event("past the first limit");
    co_await sleep(2s);
}
}  // namespace timeout_reschedule

PAIR(timeout_reschedule) {
    timeout_scope limit(get_running_loop().time() + 1s);
    try {
        co_await limit.run(timeout_reschedule::work(limit));
    } catch (const timeout_error&) {
        event("timeout");
    }
}

namespace timeout_foreign {
coro<> work() {
    const at_end leaving([] { event("work leaves"); });
    try {
        co_await timeout(1s, sleep(10s));
    } catch (const timeout_error&) {
        event("timeout");
    }
}
}  // namespace timeout_foreign

PAIR(timeout_foreign) {
    auto task = create_task(timeout_foreign::work());
    get_running_loop().call_later(1s, [task]() mutable { task.cancel(); });
    co_await wait(list_of(task));
    event("cancelled {}", yes(task.is_cancelled()));
}

namespace timeout_swallowed {
coro<> work() {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        event("swallowed");
    }
}
}  // namespace timeout_swallowed

PAIR(timeout_swallowed) {
    timeout_scope limit(get_running_loop().time() + 1s);
    co_await limit.run(timeout_swallowed::work());
    event("expired {}, cancelling {}", yes(limit.expired()), current_task().cancelling());
}

namespace shield_outer {
coro<> work() {
    co_await sleep(2s);
    event("work ends");
}

coro<> waiter(task<> task) {
    try {
        co_await shield(task);
    } catch (const cancelled&) {
        event("waiter cancelled");
        throw;
    }
}
}  // namespace shield_outer

PAIR(shield_outer) {
    auto task = create_task(shield_outer::work());
    auto waiting = create_task(shield_outer::waiter(task));
    co_await sleep(1s);
    waiting.cancel();
    co_await task;
    event("{} {}", yes(waiting.is_cancelled()), yes(task.is_cancelled()));
}

PAIR(shield_inner) {
    auto task = create_task(sleep(10s));
    get_running_loop().call_later(1s, [task]() mutable { task.cancel(); });
    try {
        co_await shield(task);
    } catch (const cancelled&) {
        event("seen, cancelling {}", current_task().cancelling());
    }
}

namespace same_instant {
coro<> sleeper(std::string name, std::chrono::seconds delay) {
    try {
        co_await sleep(delay);
        event("{} slept", name);
    } catch (const cancelled&) {
        event("{} cancelled", name);
        throw;
    }
}
}  // namespace same_instant

PAIR(same_instant) {
    using same_instant::sleeper;
    try {
        co_await wait_for(gather(sleeper("a", 1s), sleeper("b", 2s)), 1s);
    } catch (const timeout_error&) {
        event("timeout");
    }
    auto task = create_task(sleeper("c", 1s));
    co_await sleep(0s);
    try {
        co_await wait_for(task, 1s);
        event("in time");
    } catch (const timeout_error&) {
        event("timeout");
    }
}

}  // namespace
}  // namespace mayhem::differential
