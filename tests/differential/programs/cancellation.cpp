// Twins about cancellation.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace cancel_before_start {
coro<> work() {
    event("this is never said");
    co_return;
}
}  // namespace cancel_before_start

PAIR(cancel_before_start) {
    auto task = create_task(cancel_before_start::work());
    event("cancel {}", yes(task.cancel()));
    try {
        co_await task;
    } catch (const cancelled&) {
        event("cancelled {}", yes(task.is_cancelled()));
    }
}

namespace cancel_nested {
coro<> inner() {
    const at_end leaving([] { event("inner leaves"); });
    co_await sleep(10s);
}

coro<> outer() {
    const at_end leaving([] { event("outer leaves"); });
    co_await inner();
}
}  // namespace cancel_nested

PAIR(cancel_nested) {
    auto task = create_task(cancel_nested::outer());
    co_await sleep(1s);
    task.cancel();
    event("asked");
    try {
        co_await task;
    } catch (const cancelled&) {
        event("main saw it");
    }
}

namespace cancel_swallowed {
coro<int> stubborn() {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        event("swallowed");
    }
    co_await sleep(1s);
    event("slept on");
    co_return 42;
}
}  // namespace cancel_swallowed

PAIR(cancel_swallowed) {
    auto task = create_task(cancel_swallowed::stubborn());
    co_await sleep(1s);
    task.cancel();
    event("result {}", co_await task);
    event("cancelled {}, cancelling {}", yes(task.is_cancelled()), task.cancelling());
}

namespace cancel_twice {
coro<> work() {
    for (const int attempt : {1, 2}) {
        try {
            co_await sleep(1s);
            event("attempt {} slept", attempt);
        } catch (const cancelled&) {
            event("attempt {} cancelled", attempt);
        }
    }
}
}  // namespace cancel_twice

PAIR(cancel_twice) {
    auto task = create_task(cancel_twice::work());
    co_await sleep(0s);
    task.cancel();
    task.cancel();
    event("cancelling {}", task.cancelling());
    co_await task;
}

namespace cancel_in_cleanup {
// C++ cannot await while an exception unwinds: catch, clean up, throw again.
coro<> work() {
    std::exception_ptr stopped;
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    event("cleanup begins");
    const at_end leaving([] { event("cleanup is interrupted"); });
    co_await sleep(10s);
    std::rethrow_exception(stopped);
}
}  // namespace cancel_in_cleanup

PAIR(cancel_in_cleanup) {
    auto task = create_task(cancel_in_cleanup::work());
    co_await sleep(1s);
    task.cancel();
    co_await sleep(1s);
    task.cancel();
    try {
        co_await task;
    } catch (const cancelled&) {
        event("over");
    }
}

namespace cancel_self {
coro<> work() {
    current_task().cancel();
    event("still here");
    try {
        co_await sleep(0s);
    } catch (const cancelled&) {
        event("cancelled at the await");
        throw;
    }
}
}  // namespace cancel_self

PAIR(cancel_self) {
    auto task = create_task(cancel_self::work());
    try {
        co_await task;
    } catch (const cancelled&) {
        event("main saw it");
    }
}

namespace cancel_awaited {
coro<> waiter(std::string name, task<> task) {
    try {
        co_await task;
    } catch (const cancelled&) {
        event("{} saw it, cancelling {}", name, current_task().cancelling());
    }
}
}  // namespace cancel_awaited

PAIR(cancel_awaited) {
    auto task = create_task(sleep(10s));
    auto a = create_task(cancel_awaited::waiter("a", task));
    auto b = create_task(cancel_awaited::waiter("b", task));
    co_await sleep(1s);
    task.cancel();
    co_await a;
    co_await b;
}

namespace cancel_passed_on {
coro<> child() {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        event("child cancelled");
        throw;
    }
}

coro<> parent(task<> task) {
    try {
        co_await task;
    } catch (const cancelled&) {
        event("parent cancelled");
        throw;
    }
}
}  // namespace cancel_passed_on

PAIR(cancel_passed_on) {
    auto child = create_task(cancel_passed_on::child());
    auto above = create_task(cancel_passed_on::parent(child));
    co_await sleep(1s);
    above.cancel();
    event("requests {} {}", above.cancelling(), child.cancelling());
    co_await wait(list_of(above));
    event("{} {}", yes(above.is_cancelled()), yes(child.is_cancelled()));
}

namespace cancel_done {
coro<int> work() { co_return 1; }
}  // namespace cancel_done

PAIR(cancel_done) {
    auto task = create_task(cancel_done::work());
    co_await task;
    event("cancel {}", yes(task.cancel()));
    event("result {}, cancelling {}", co_await task, task.cancelling());
}

namespace cancel_cleanup_raises {
coro<> work() {
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        throw std::runtime_error("from the cleanup");
    }
}
}  // namespace cancel_cleanup_raises

PAIR(cancel_cleanup_raises) {
    auto task = create_task(cancel_cleanup_raises::work());
    co_await sleep(1s);
    task.cancel();
    try {
        co_await task;
    } catch (const std::runtime_error& error) {
        event("{}; cancelled {}", error.what(), yes(task.is_cancelled()));
    }
}

namespace cancel_taken_back {
coro<> work() {
    task_ref task = current_task();
    task.cancel();
    task.cancel();
    event("left {}", task.uncancel());
    event("left {}", task.uncancel());
    co_await sleep(1s);
    event("not cancelled");
}
}  // namespace cancel_taken_back

PAIR(cancel_taken_back) {
    auto task = create_task(cancel_taken_back::work());
    co_await task;
}

namespace cancel_with_result {
coro<int> work() {
    co_await sleep(1s);
    co_return 7;
}

coro<> waiter(task<int> task) {
    event("got {}", co_await task);
    try {
        co_await sleep(1s);
    } catch (const cancelled&) {
        event("cancelled at the next await");
        throw;
    }
}
}  // namespace cancel_with_result

PAIR(cancel_with_result) {
    auto task = create_task(cancel_with_result::work());
    auto waiting = create_task(cancel_with_result::waiter(task));
    task.add_done_callback([waiting]() mutable { waiting.cancel(); });
    co_await wait(list_of(waiting));
    event("cancelled {}", yes(waiting.is_cancelled()));
}

}  // namespace
}  // namespace mayhem::differential
