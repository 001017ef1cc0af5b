// Twins about tasks: order, names, awaiting.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace create_order {
coro<> worker(std::string name) {
    event("{} starts", name);
    co_await sleep(0s);
    event("{} goes on", name);
}
}  // namespace create_order

PAIR(create_order) {
    auto first = create_task(create_order::worker("first"));
    auto second = create_task(create_order::worker("second"));
    event("created");
    co_await second;
    co_await first;
}

namespace create_nested {
coro<> leaf(std::string name) {
    event("{}", name);
    co_return;
}

coro<> branch(std::string name) {
    event("{}", name);
    auto first = create_task(leaf(name + ".1"));
    auto second = create_task(leaf(name + ".2"));
    event("{} created", name);
    co_await first;
    co_await second;
}
}  // namespace create_nested

PAIR(create_nested) {
    auto a = create_task(create_nested::branch("a"));
    auto b = create_task(create_nested::branch("b"));
    co_await a;
    co_await b;
}

namespace done_callbacks {
coro<> work() {
    co_await sleep(1s);
    event("work ends");
}
}  // namespace done_callbacks

PAIR(done_callbacks) {
    auto task = create_task(done_callbacks::work());
    task.add_done_callback([] { event("first callback"); });
    task.add_done_callback([] { event("second callback"); });
    co_await task;
    event("awaited");
    task.add_done_callback([] { event("late callback"); });
    event("added");
    co_await sleep(0s);
}

namespace task_names {
coro<> who() {
    event("I am {}", current_task().name());
    co_await sleep(0s);
    event("I am {}", current_task().name());
}
}  // namespace task_names

PAIR(task_names) {
    auto task = create_task(task_names::who(), "one");
    co_await sleep(0s);
    task.set_name("two");
    co_await task;
    event("{}", task.name());
}

namespace several_awaiters {
coro<int> work() {
    co_await sleep(1s);
    co_return 7;
}

coro<> waiter(std::string name, task<int> task) { event("{} got {}", name, co_await task); }
}  // namespace several_awaiters

PAIR(several_awaiters) {
    auto task = create_task(several_awaiters::work());
    auto a = create_task(several_awaiters::waiter("a", task));
    auto b = create_task(several_awaiters::waiter("b", task));
    auto c = create_task(several_awaiters::waiter("c", task));
    co_await a;
    co_await b;
    co_await c;
    event("again {}", co_await task);
}

namespace sleep_order {
coro<> sleeper(std::string name, std::chrono::seconds delay) {
    co_await sleep(delay);
    event("{} woke", name);
}
}  // namespace sleep_order

PAIR(sleep_order) {
    using sleep_order::sleeper;
    std::vector<task<>> sleepers;
    sleepers.push_back(create_task(sleeper("a", 2s)));
    sleepers.push_back(create_task(sleeper("b", 1s)));
    sleepers.push_back(create_task(sleeper("c", 2s)));
    sleepers.push_back(create_task(sleeper("d", 0s)));
    sleepers.push_back(create_task(sleeper("e", 1s)));
    co_await sleep(1s);
    event("main woke");
    for (auto& each : sleepers) co_await each;
}

namespace task_exception {
coro<> fail() {
    co_await sleep(1s);
    throw std::runtime_error("no");
}
}  // namespace task_exception

PAIR(task_exception) {
    auto task = create_task(task_exception::fail());
    for (const int attempt : {1, 2}) {
        try {
            co_await task;
        } catch (const std::runtime_error& error) {
            event("attempt {}: {}", attempt, error.what());
        }
    }
    event("done {}, cancelled {}", yes(task.done()), yes(task.is_cancelled()));
}

namespace await_done {
coro<int> work(std::string name) {
    event("{} runs", name);
    co_return 1;
}
}  // namespace await_done

PAIR(await_done) {
    auto task = create_task(await_done::work("first"));
    co_await task;
    auto other = create_task(await_done::work("second"));
    event("again {}", co_await task);
    co_await other;
}

}  // namespace
}  // namespace mayhem::differential
