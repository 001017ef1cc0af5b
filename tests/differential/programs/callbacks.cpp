// Twins about callbacks, timers, futures and the end of everything.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace call_soon_order {
void callback(event_loop& loop, std::string name, int depth) {
    event("{} {}", name, depth);
    if (depth < 2) loop.call_soon([&loop, name, depth] { callback(loop, name, depth + 1); });
}
}  // namespace call_soon_order

PAIR(call_soon_order) {
    event_loop& loop = get_running_loop();
    for (const std::string name : {"a", "b"}) {
        loop.call_soon([&loop, name] { call_soon_order::callback(loop, name, 1); });
    }
    event("scheduled");
    co_await sleep(1s);
}

namespace call_later_order {
void say_later(std::string name, std::chrono::seconds delay) {
    get_running_loop().call_later(delay, [name] { event("{}", name); });
}
}  // namespace call_later_order

PAIR(call_later_order) {
    using call_later_order::say_later;
    say_later("a", 2s);
    say_later("b", 1s);
    say_later("c", 2s);
    say_later("d", 0s);
    say_later("e", 1s);
    co_await sleep(3s);
}

PAIR(call_cancelled) {
    event_loop& loop = get_running_loop();
    handle second;
    loop.call_later(1s, [&second] {
        event("first");
        second.cancel();
    });
    second = loop.call_later(1s, [] { event("this is never said"); });
    handle soon = loop.call_soon([] { event("neither is this"); });
    soon.cancel();
    co_await sleep(2s);
    event("cancelled {}", yes(second.cancelled()));
}

namespace future_awaiters {
coro<> waiter(std::string name, future<int> source) { event("{} got {}", name, co_await source); }
}  // namespace future_awaiters

PAIR(future_awaiters) {
    promise<int> source;
    auto first = create_task(future_awaiters::waiter("first", source.get_future()));
    co_await sleep(0s);
    source.get_future().add_done_callback([] { event("callback"); });
    auto second = create_task(future_awaiters::waiter("second", source.get_future()));
    co_await sleep(1s);
    source.set_value(3);
    event("decided");
    co_await first;
    co_await second;
    try {
        source.set_value(4);
    } catch (const invalid_state&) {
        event("it is decided already");
    }
}

namespace future_cancelled {
coro<> waiter(std::string name, future<int> source) {
    try {
        co_await source;
    } catch (const cancelled&) {
        event("{} cancelled, cancelling {}", name, current_task().cancelling());
    }
}
}  // namespace future_cancelled

PAIR(future_cancelled) {
    promise<int> source;
    auto first = create_task(future_cancelled::waiter("first", source.get_future()));
    auto second = create_task(future_cancelled::waiter("second", source.get_future()));
    co_await sleep(1s);
    first.cancel();
    event("future cancelled {}", yes(source.get_future().is_cancelled()));
    co_await first;
    co_await second;
}

namespace deadlock_pair {
coro<> waiter(std::string name, mayhem::event& flag) {
    event("{} waits", name);
    co_await flag.wait();
}
}  // namespace deadlock_pair

PAIR(deadlock) {
    mayhem::event flag;
    auto task = create_task(deadlock_pair::waiter("task", flag));
    co_await sleep(1s);
    event("nobody will set the flag");
    co_await task;
}

}  // namespace
}  // namespace mayhem::differential
