// The operations that do not wait.
#include <fmt/format.h>

#include "tests/differential/interpreter/world.hpp"

namespace mayhem::differential {
namespace {

const char* yes_or_no(bool answer) { return answer ? "yes" : "no"; }

}  // namespace

void world::do_say(const node& line, frame& own) { say(own.name, "says " + line.name()); }

void world::do_raise(const node& line, frame&) { throw boom(line.name()); }

// ---- Tasks and futures --------------------------------------------------------------------

void world::do_spawn(const node& line, frame&) {
    remember(line.name(), create_task(body(line.name(), &line.children, nullptr)));
}

void world::do_join_group(const node& line, frame& own) {
    const auto group = groups_.find(line.name());
    if (group == groups_.end()) return tell(line, own, "is not there");
    remember(line.name(1), group->second->create_task(body(line.name(1), &line.children, nullptr)));
}

void world::do_cancel(const node& line, frame& own) {
    task<int>* known = find_task(line.name());
    promise<int>* value = find_future(line.name());
    if (known == nullptr && value == nullptr) return tell(line, own, "is not there");
    tell(line, own, yes_or_no(known != nullptr ? known->cancel() : value->get_future().cancel()));
}

void world::do_cancel_self(const node&, frame&) { current_task().cancel(); }

void world::do_uncancel(const node&, frame& own) {
    say(own.name, fmt::format("uncancel {}", current_task().uncancel()));
}

void world::do_status(const node& line, frame& own) {
    const auto state = [](const auto& each) {
        return !each.done() ? "pending" : each.is_cancelled() ? "cancelled" : "done";
    };
    if (const task<int>* known = find_task(line.name())) {
        tell(line, own, fmt::format("{} {}", state(*known), known->cancelling()));
    } else if (const promise<int>* value = find_future(line.name())) {
        tell(line, own, fmt::format("{} 0", state(value->get_future())));
    } else {
        tell(line, own, "is not there");
    }
}

void world::do_resolve(const node& line, frame&) {
    find_future(line.name())->set_value(line.number(1));
}

void world::do_fail(const node& line, frame&) {
    find_future(line.name())->set_exception(std::make_exception_ptr(boom(line.name(1))));
}

// ---- Shared objects -----------------------------------------------------------------------

void world::do_set(const node& line, frame&) { events_.at(line.name()).set(); }

void world::do_clear(const node& line, frame&) { events_.at(line.name()).clear(); }

void world::do_put_nowait(const node& line, frame&) {
    std::visit([&](auto& own) { own.put_nowait(line.number(1)); }, queues_.at(line.name()));
}

void world::do_get_nowait(const node& line, frame& own) {
    const int item =
        std::visit([](auto& each) { return each.get_nowait(); }, queues_.at(line.name()));
    tell(line, own, std::to_string(item));
}

void world::do_task_done(const node& line, frame&) {
    std::visit([](auto& own) { own.task_done(); }, queues_.at(line.name()));
}

void world::do_size(const node& line, frame& own) {
    std::visit(
        [&](auto& each) {
            tell(line, own, fmt::format("{} {}", each.size(), each.full() ? "full" : "open"));
        },
        queues_.at(line.name()));
}

void world::do_shutdown(const node& line, frame&) {
    std::visit([&](auto& own) { own.shutdown(line.name(1) == "now"); }, queues_.at(line.name()));
}

void world::do_locked(const node& line, frame& own) {
    const auto known = locks_.find(line.name());
    const bool answer =
        known != locks_.end() ? known->second.locked() : semaphores_.at(line.name()).locked();
    tell(line, own, yes_or_no(answer));
}

void world::do_release(const node& line, frame&) { semaphores_.at(line.name()).release(); }

void world::do_notify(const node& line, frame&) {
    conditions_.at(line.name()).notify(static_cast<std::size_t>(line.number(1)));
}

// ---- Time ---------------------------------------------------------------------------------

void world::do_reschedule(const node& line, frame& own) {
    if (own.limit == nullptr) return tell(line, own, "no limit");
    const std::optional<int> delay = line.args.front().number;
    std::optional<time_point> when;
    if (delay) when = get_running_loop().time() + std::chrono::seconds(*delay);
    own.limit->reschedule(when);
}

void world::do_soon(const node& line, frame&) {
    alarms_[line.name()] = get_running_loop().call_soon([this, &line] { callback(line); });
}

void world::do_later(const node& line, frame&) {
    alarms_[line.name()] = get_running_loop().call_later(std::chrono::seconds(line.number(1)),
                                                         [this, &line] { callback(line); });
}

void world::do_unschedule(const node& line, frame&) { alarms_[line.name()].cancel(); }

void world::do_when_done(const node& line, frame&) {
    const auto run = [this, &line] { callback(line); };
    if (task<int>* known = find_task(line.name())) return known->add_done_callback(run);
    if (const promise<int>* value = find_future(line.name())) {
        value->get_future().add_done_callback(run);
    }
}

}  // namespace mayhem::differential
