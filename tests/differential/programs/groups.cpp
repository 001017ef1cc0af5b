// Twins about task groups.
#include "tests/differential/programs/pair.hpp"

namespace mayhem::differential {
namespace {

using namespace std::chrono_literals;

coro<> fail_after(std::chrono::seconds delay, std::string text) {
    co_await sleep(delay);
    throw std::runtime_error(text);
}

namespace group_joins {
coro<int> work(std::string name, int seconds) {
    co_await sleep(std::chrono::seconds(seconds));
    event("{} ends", name);
    co_return seconds;
}
}  // namespace group_joins

PAIR(group_joins) {
    using group_joins::work;
    const auto slow = co_await with_task_group([](task_group& group) -> coro<task<int>> {
        auto made = group.create_task(work("slow", 2));
        group.create_task(work("fast", 1));
        event("body ends");
        co_return made;
    });
    event("group over, {}", co_await task<int>(slow));
}

namespace group_fails {
coro<> work(std::string name) {
    const at_end leaving([name] { event("{} leaves", name); });
    co_await sleep(10s);
}
}  // namespace group_fails

PAIR(group_fails) {
    try {
        co_await with_task_group([](task_group& group) -> coro<> {
            group.create_task(group_fails::work("sibling"));
            group.create_task(fail_after(1s, "one"));
            group.create_task(fail_after(1s, "two"));
            co_await group_fails::work("body");
        });
    } catch (const exception_group& errors) {
        event("raised {}", errors.exceptions().size());
    }
    event("cancelling {}", current_task().cancelling());
}

namespace group_child_cancelled {
coro<> work() {
    co_await sleep(2s);
    event("work ends");
}
}  // namespace group_child_cancelled

PAIR(group_child_cancelled) {
    co_await with_task_group([](task_group& group) -> coro<> {
        auto child = group.create_task(sleep(10s));
        group.create_task(group_child_cancelled::work());
        co_await sleep(1s);
        child.cancel();
    });
    event("group over");
}

namespace group_nested {
coro<> inner() {
    const at_end leaving([] { event("inner over"); });
    co_await with_task_group([](task_group& group) -> coro<> {
        group.create_task(fail_after(1s, "deep"));
        co_await sleep(10s);
    });
}

std::size_t errors_inside(const exception_group& group) {
    try {
        std::rethrow_exception(group.exceptions().front());
    } catch (const exception_group& inside) {
        return inside.exceptions().size();
    }
}
}  // namespace group_nested

PAIR(group_nested) {
    try {
        co_await with_task_group([](task_group& group) -> coro<> {
            group.create_task(group_nested::inner());
            co_await sleep(10s);
        });
    } catch (const exception_group& outside) {
        event("raised {} with {} in it", outside.exceptions().size(),
              group_nested::errors_inside(outside));
    }
}

namespace group_cancelled {
coro<> child() {
    std::exception_ptr stopped;
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        stopped = std::current_exception();
    }
    co_await sleep(2s);
    event("child ends");
    std::rethrow_exception(stopped);
}

coro<> parent() {
    const at_end leaving([] { event("parent ends"); });
    co_await with_task_group([](task_group& group) -> coro<> {
        group.create_task(child());
        co_return;
    });
}
}  // namespace group_cancelled

PAIR(group_cancelled) {
    auto task = create_task(group_cancelled::parent());
    co_await sleep(1s);
    task.cancel();
    co_await wait(list_of(task));
    event("cancelled {}", yes(task.is_cancelled()));
}

namespace group_refuses {
coro<> late() {
    event("this is never said");
    co_return;
}

coro<> body(task_group& group) {
    group.create_task(fail_after(0s, "no"));
    try {
        co_await sleep(10s);
    } catch (const cancelled&) {
        try {
            group.create_task(late());
        } catch (const std::logic_error&) {
            event("refused");
        }
        throw;
    }
}
}  // namespace group_refuses

PAIR(group_refuses) {
    try {
        co_await with_task_group(group_refuses::body);
    } catch (const exception_group& errors) {
        event("raised {}", errors.exceptions().size());
    }
}

}  // namespace
}  // namespace mayhem::differential
