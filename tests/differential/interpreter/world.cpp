#include "tests/differential/interpreter/world.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace mayhem::differential {

std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const cancelled&) {
        return "cancelled";
    } catch (const boom& own) {
        return std::string("boom-") + own.what();
    } catch (const exception_group& group) {
        std::string text;
        for (const std::exception_ptr& each : group.exceptions()) {
            text += (text.empty() ? "" : ",") + describe(each);
        }
        return "group(" + text + ")";
    } catch (const timeout_error&) {
        return "timeout";
    } catch (const queue_empty&) {
        return "queue-empty";
    } catch (const queue_full&) {
        return "queue-full";
    } catch (const queue_shutdown&) {
        return "queue-shutdown";
    } catch (const broken_barrier&) {
        return "broken-barrier";
    } catch (const invalid_state&) {
        return "invalid-state";
    } catch (const std::logic_error&) {
        return "misuse";
    } catch (const std::exception& other) {
        return other.what();
    }
}

// ---- The whole program --------------------------------------------------------------------

void world::say(const std::string& name, std::string_view text) {
    if (muted_) return;
    const double seconds = std::chrono::duration<double>(loop_->time() - start_).count();
    trace_.push_back(fmt::format("{:g} {} {}", seconds, name, text));
}

std::string world::alive() const {
    std::string names;
    for (const std::string& name : alive_) names += " " + name;
    return names;
}

coro<void> world::harness() {
    loop_ = &get_running_loop();
    start_ = loop_->time();
    for (std::size_t index = 0; index + 1 < program_.children.size(); ++index) {
        declare(program_.children[index]);
    }
    auto main = create_task(body("main", &program_.children.back().children, nullptr));
    std::vector<task<int>> only_main{main};
    co_await wait(std::move(only_main));
    std::vector<task<int>> left;
    for (const task_entry& each : spawned_) {
        if (!each.handle.done()) left.push_back(each.handle);
    }
    say("loop", fmt::format("closing {}", left.size()));
    for (task<int>& each : left) each.cancel();
    if (!left.empty()) co_await wait(left);
}

void world::declare(const node& line) {
    const std::string& name = line.name();
    const auto size = [&] { return static_cast<std::size_t>(line.number(1)); };
    if (line.op == "lock") locks_.try_emplace(name);
    if (line.op == "event") events_.try_emplace(name);
    if (line.op == "condition") conditions_.try_emplace(name);
    if (line.op == "semaphore") semaphores_.try_emplace(name, size());
    if (line.op == "barrier") barriers_.try_emplace(name, size());
    if (line.op == "future") futures_.try_emplace(name);
    if (line.op == "fifo") queues_.try_emplace(name, std::in_place_index<0>, size());
    if (line.op == "lifo") queues_.try_emplace(name, std::in_place_index<1>, size());
    if (line.op == "priority") queues_.try_emplace(name, std::in_place_index<2>, size());
}

coro<int> world::body(std::string name, const std::vector<node>* lines, timeout_scope* limit) {
    frame own{name, 0, limit};
    // A name that comes again while it is alive is one entry, as in the dictionary of Python.
    if (std::ranges::find(alive_, name) == alive_.end()) alive_.push_back(name);
    say(name, "starts");
    std::exception_ptr error;
    try {
        co_await block(lines, &own);
        say(name, fmt::format("ends {}", own.value));
    } catch (...) {
        error = std::current_exception();
        say(name, "ends by " + describe(error));
    }
    std::erase(alive_, name);
    if (error) std::rethrow_exception(error);
    co_return own.value;
}

coro<bool> world::block(const std::vector<node>* lines, frame* own) {
    for (const node& line : *lines) {
        const auto plain = plain_operations().find(line.op);
        if (plain != plain_operations().end()) {
            (this->*plain->second)(line, *own);
            continue;
        }
        const waiting_operation waiting = waiting_operations().at(line.op);
        const bool ended = co_await (this->*waiting)(&line, own);
        if (ended) co_return true;
    }
    co_return false;
}

void world::callback(const node& line) {
    frame own{line.op + "-" + line.name()};
    try {
        say(own.name, "runs");
        for (const node& child : line.children) {
            (this->*plain_operations().at(child.op))(child, own);
        }
    } catch (...) {
        say(own.name, "raised " + describe(std::current_exception()));
    }
}

void world::tell(const node& line, const frame& own, std::string_view what) {
    say(own.name, fmt::format("{} {} {}", line.op, line.name(), what));
}

// ---- What lines refer to ------------------------------------------------------------------

task<int>* world::find_task(const std::string& name) {
    const auto found = tasks_.find(name);
    return found == tasks_.end() ? nullptr : &found->second;
}

promise<int>* world::find_future(const std::string& name) {
    const auto found = futures_.find(name);
    return found == futures_.end() ? nullptr : &found->second;
}

void world::remember(const std::string& name, task<int> made) {
    spawned_.push_back({name, made});
    tasks_.insert_or_assign(name, std::move(made));
}

task<int> world::item(const node& line) {
    if (line.op == "coro") return create_task(body(line.name(), &line.children, nullptr));
    const task<int>* found = find_task(line.name());
    return found != nullptr ? *found : task<int>();
}

std::vector<task<int>> world::items(const node& line) {
    std::vector<task<int>> found;
    for (const node& child : line.children) {
        task<int> each = item(child);
        if (each) found.push_back(std::move(each));
    }
    return found;
}

std::vector<future<int>> world::future_items(const node& line) {
    std::vector<future<int>> found;
    for (const node& child : line.children) {
        found.push_back(find_future(child.name())->get_future());
    }
    return found;
}

std::vector<coro<int>> world::coroutine_items(const node& line) {
    std::vector<coro<int>> made;
    for (const node& child : line.children) {
        made.push_back(body(child.name(), &child.children, nullptr));
    }
    return made;
}

bool world::has_futures(const node& line) {
    return std::ranges::any_of(line.children, [](const node& child) {
        return child.op == "ref" && child.name().front() == 'f';
    });
}

bool world::has_coroutines_only(const node& line) {
    return std::ranges::all_of(line.children, [](const node& child) { return child.op == "coro"; });
}

// ---- The words of the language ------------------------------------------------------------

const std::map<std::string, world::operation, std::less<>>& world::plain_operations() {
    static const std::map<std::string, operation, std::less<>> table{
        {"say", &world::do_say},
        {"raise", &world::do_raise},
        {"spawn", &world::do_spawn},
        {"join_group", &world::do_join_group},
        {"cancel", &world::do_cancel},
        {"cancel_self", &world::do_cancel_self},
        {"uncancel", &world::do_uncancel},
        {"status", &world::do_status},
        {"set", &world::do_set},
        {"clear", &world::do_clear},
        {"resolve", &world::do_resolve},
        {"fail", &world::do_fail},
        {"put_nowait", &world::do_put_nowait},
        {"get_nowait", &world::do_get_nowait},
        {"task_done", &world::do_task_done},
        {"size", &world::do_size},
        {"shutdown", &world::do_shutdown},
        {"locked", &world::do_locked},
        {"release", &world::do_release},
        {"notify", &world::do_notify},
        {"reschedule", &world::do_reschedule},
        {"soon", &world::do_soon},
        {"later", &world::do_later},
        {"unschedule", &world::do_unschedule},
        {"when_done", &world::do_when_done},
    };
    return table;
}

const std::map<std::string, world::waiting_operation, std::less<>>& world::waiting_operations() {
    static const std::map<std::string, waiting_operation, std::less<>> table{
        {"return", &world::do_return},
        {"sleep", &world::do_sleep},
        {"await", &world::do_await},
        {"gather", &world::do_gather},
        {"collect", &world::do_collect},
        {"wait", &world::do_wait},
        {"each", &world::do_each},
        {"wait_for", &world::do_wait_for},
        {"shield", &world::do_shield},
        {"timeout", &world::do_timeout},
        {"group", &world::do_group},
        {"hold", &world::do_hold},
        {"event_wait", &world::do_event_wait},
        {"condition_wait", &world::do_condition_wait},
        {"barrier_wait", &world::do_barrier_wait},
        {"barrier_reset", &world::do_barrier_reset},
        {"barrier_abort", &world::do_barrier_abort},
        {"put", &world::do_put},
        {"get", &world::do_get},
        {"join", &world::do_join},
        {"repeat", &world::do_repeat},
        {"try", &world::do_try},
    };
    return table;
}

}  // namespace mayhem::differential
