// Twins about queues.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

namespace queue_bounded {
coro<> producer(queue<int>& items) {
    for (const int item : {1, 2, 3}) {
        co_await items.put(item);
        event("put {}, {} inside", item, items.size());
    }
}
}  // namespace queue_bounded

PAIR(queue_bounded) {
    queue<int> items(1);
    auto producing = create_task(queue_bounded::producer(items));
    for (int left = 3; left > 0; --left) {
        co_await sleep(1s);
        event("got {}", co_await items.get());
    }
    co_await producing;
}

namespace queue_orders {
template <typename Queue>
coro<> show() {
    Queue items;
    for (const int item : {2, 3, 1}) items.put_nowait(item);
    const int a = co_await items.get();
    const int b = co_await items.get();
    const int c = co_await items.get();
    event("{} {} {}", a, b, c);
}
}  // namespace queue_orders

PAIR(queue_orders) {
    co_await queue_orders::show<queue<int>>();
    co_await queue_orders::show<lifo_queue<int>>();
    co_await queue_orders::show<priority_queue<int>>();
}

namespace queue_join {
coro<> consumer(queue<int>& items) {
    for (;;) {
        const int item = co_await items.get();
        co_await sleep(1s);
        event("did {}", item);
        items.task_done();
    }
}
}  // namespace queue_join

PAIR(queue_join) {
    queue<int> items;
    auto consuming = create_task(queue_join::consumer(items));
    for (const int item : {1, 2}) items.put_nowait(item);
    co_await items.join();
    event("all done");
    consuming.cancel();
    co_await wait(list_of(consuming));
}

namespace queue_cancelled_get {
coro<> getter(std::string name, queue<int>& items) {
    try {
        event("{} got {}", name, co_await items.get());
    } catch (const cancelled&) {
        event("{} cancelled", name);
        throw;
    }
}
}  // namespace queue_cancelled_get

PAIR(queue_cancelled_get) {
    queue<int> items;
    auto first = create_task(queue_cancelled_get::getter("first", items));
    auto second = create_task(queue_cancelled_get::getter("second", items));
    co_await sleep(1s);
    items.put_nowait(7);
    first.cancel();
    co_await second;
}

namespace queue_cancelled_put {
coro<> putter(std::string name, queue<int>& items, int item) {
    co_await items.put(item);
    event("{} put {}", name, item);
}
}  // namespace queue_cancelled_put

PAIR(queue_cancelled_put) {
    queue<int> items(1);
    items.put_nowait(1);
    auto first = create_task(queue_cancelled_put::putter("first", items, 2));
    auto second = create_task(queue_cancelled_put::putter("second", items, 3));
    co_await sleep(1s);
    event("got {}", items.get_nowait());
    first.cancel();
    co_await second;
    const int item = co_await items.get();
    event("got {}, {} left", item, items.size());
}

namespace queue_no_barging {
coro<> getter(std::string name, queue<int>& items) {
    event("{} got {}", name, co_await items.get());
}

coro<> getter_or_nothing(queue<int>& items) {
    try {
        event("took {}", items.get_nowait());
    } catch (const queue_empty&) {
        event("nothing to take");
    }
    co_return;
}
}  // namespace queue_no_barging

PAIR(queue_no_barging) {
    queue<int> items;
    auto first = create_task(queue_no_barging::getter("first", items));
    co_await sleep(1s);
    items.put_nowait(7);
    event("{} for others", items.size());
    auto late = create_task(queue_no_barging::getter("late", items));
    co_await queue_no_barging::getter_or_nothing(items);
    items.put_nowait(8);
    co_await first;
    co_await late;
}

}  // namespace
}  // namespace mayhem::differential
