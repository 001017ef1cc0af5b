// Twins about gather.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

/// What several programs here call fail() and work().
coro<int> fail_after(std::chrono::seconds delay) {
    co_await sleep(delay);
    throw std::runtime_error("no");
}

namespace gather_results {
coro<int> work(int seconds) {
    co_await sleep(std::chrono::seconds(seconds));
    event("{} ready", seconds);
    co_return seconds;
}
}  // namespace gather_results

PAIR(gather_results) {
    using gather_results::work;
    const auto [a, b, c] = co_await gather(work(3), work(1), work(2));
    event("results {} {} {}", a, b, c);
}

namespace gather_error {
coro<> work() {
    co_await sleep(2s);
    event("work ends");
}
}  // namespace gather_error

PAIR(gather_error) {
    auto task = create_task(gather_error::work());
    try {
        co_await gather(fail_after(1s), task);
    } catch (const std::runtime_error& error) {
        event("raised {}, the other is done: {}", error.what(), yes(task.done()));
    }
    co_await task;
}

namespace gather_outcomes {
coro<int> work() {
    co_await sleep(2s);
    co_return 2;
}
}  // namespace gather_outcomes

PAIR(gather_outcomes) {
    auto stopped = create_task(sleep(10s));
    stopped.cancel();
    auto [error, value, gone] =
        co_await gather(return_exceptions, fail_after(1s), gather_outcomes::work(), stopped);
    event("{}, {}, {}", describe_exception(error.exception()), value.value(),
          yes(is_cancelled(gone.exception())));
}

namespace gather_cancelled {
coro<> child(std::string name, std::chrono::seconds cleanup) {
    std::exception_ptr stopped;
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    co_await sleep(cleanup);
    event("{} ends", name);
    std::rethrow_exception(stopped);
}

coro<> parent() {
    const at_end leaving([] { event("parent ends"); });
    co_await gather(child("slow", 2s), child("fast", 1s));
}

coro<> parent_of_outcomes() {
    const at_end leaving([] { event("parent ends"); });
    co_await gather(return_exceptions, child("slow", 2s), child("fast", 1s));
}
}  // namespace gather_cancelled

PAIR(gather_cancelled) {
    auto task = create_task(gather_cancelled::parent());
    co_await sleep(1s);
    task.cancel();
    co_await wait(list_of(task));
    co_await sleep(5s);
}

PAIR(gather_outcomes_cancelled) {
    auto task = create_task(gather_cancelled::parent_of_outcomes());
    co_await sleep(1s);
    task.cancel();
    co_await wait(list_of(task));
    event("cancelled {}", yes(task.is_cancelled()));
}

namespace gather_child_cancelled {
coro<> work() {
    co_await sleep(2s);
    event("sibling ends");
}
}  // namespace gather_child_cancelled

PAIR(gather_child_cancelled) {
    auto child = create_task(sleep(10s));
    auto sibling = create_task(gather_child_cancelled::work());
    get_running_loop().call_later(1s, [child]() mutable { child.cancel(); });
    try {
        co_await gather(child, sibling);
    } catch (const cancelled&) {
        event("raised, cancelling {}", current_task().cancelling());
    }
    co_await sibling;
}

namespace gather_twice {
coro<int> work() {
    event("runs once");
    co_return 5;
}
}  // namespace gather_twice

PAIR(gather_twice) {
    auto task = create_task(gather_twice::work());
    const auto [a, b, c] = co_await gather(task, task, task);
    event("{} {} {}", a, b, c);
}

namespace gather_done_child {
coro<> late() {
    event("late runs");
    co_return;
}

coro<> starter() {
    event("starter runs");
    create_task(late());
    co_return;
}
}  // namespace gather_done_child

PAIR(gather_done_child) {
    auto failed = create_task(fail_after(0s));
    co_await wait(list_of(failed));
    try {
        co_await gather(failed, gather_done_child::starter());
    } catch (const std::runtime_error&) {
        event("gather raised");
    }
    co_await sleep(1s);
}

}  // namespace
}  // namespace mayhem::differential
