// Twins about wait and as_completed.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

coro<> fail_after(std::chrono::seconds delay) {
    co_await sleep(delay);
    throw std::runtime_error("no");
}

coro<> work(std::string name, std::chrono::seconds delay) {
    co_await sleep(delay);
    event("{} ends", name);
}

coro<int> number_after(int seconds) {
    co_await sleep(std::chrono::seconds(seconds));
    co_return seconds;
}

PAIR(wait_all) {
    std::vector<task<>> tasks{create_task(fail_after(1s)), create_task(sleep(2s))};
    const auto sorted = co_await wait(tasks);
    event("{} done, {} pending", sorted.done.size(), sorted.pending.size());
    event("failed {}", yes(tasks[0].exception() != nullptr));
}

PAIR(wait_first) {
    std::vector<task<>> tasks{create_task(work("slow", 2s)), create_task(work("fast", 1s))};
    const auto sorted = co_await wait(tasks, return_when::first_completed);
    event("{} done, {} pending", sorted.done.size(), sorted.pending.size());
    co_await tasks[0];
}

PAIR(wait_first_exception) {
    auto stopped = create_task(sleep(10s));
    std::vector<task<>> tasks{stopped, create_task(fail_after(2s)), create_task(sleep(3s))};
    get_running_loop().call_later(1s, [stopped]() mutable { stopped.cancel(); });
    const auto sorted = co_await wait(tasks, return_when::first_exception);
    event("{} done, {} pending", sorted.done.size(), sorted.pending.size());
    co_await tasks[2];
}

PAIR(wait_timeout) {
    auto task = create_task(work("work", 3s));
    const auto early = co_await wait(list_of(task), return_when::all_completed, 1s);
    event("{} done, {} pending", early.done.size(), early.pending.size());
    const auto equal = co_await wait(list_of(task), return_when::all_completed, 2s);
    event("at the same instant: {} done, {} pending", equal.done.size(), equal.pending.size());
    co_await task;
}

namespace wait_cancelled {
coro<> waiter(task<> task) {
    try {
        co_await wait(list_of(task));
    } catch (const cancelled&) {
        event("waiter cancelled");
        throw;
    }
}
}  // namespace wait_cancelled

PAIR(wait_cancelled) {
    auto task = create_task(work("work", 2s));
    auto waiting = create_task(wait_cancelled::waiter(task));
    co_await sleep(1s);
    waiting.cancel();
    co_await task;
    event("{} {}", yes(waiting.is_cancelled()), yes(task.is_cancelled()));
}

PAIR(as_completed_order) {
    auto coming = as_completed(list_of(number_after(3), number_after(1), number_after(2)));
    while (coming.left() > 0) {
        auto next = co_await coming.next();
        event("got {}", co_await *next);
    }
}

namespace as_completed_timeout {
coro<int> work(int seconds) {
    co_await sleep(std::chrono::seconds(seconds));
    event("{} ends", seconds);
    co_return seconds;
}
}  // namespace as_completed_timeout

PAIR(as_completed_timeout) {
    using as_completed_timeout::work;
    auto coming = as_completed(list_of(work(3), work(1), work(4)), 2s);
    while (coming.left() > 0) {
        try {
            auto next = co_await coming.next();
            event("got {}", co_await *next);
        } catch (const timeout_error&) {
            event("too late");
        }
    }
    co_await sleep(5s);
}

}  // namespace
}  // namespace mayhem::differential
