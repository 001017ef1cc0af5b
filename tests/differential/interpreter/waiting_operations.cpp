// The operations that wait for tasks, futures and time, and the ones that hold a block.
#include <fmt/format.h>

#include "tests/differential/interpreter/world.hpp"

namespace mayhem::differential {
namespace {

std::optional<duration> limit_of(const word& argument) {
    if (!argument.number) return std::nullopt;
    return std::chrono::seconds(*argument.number);
}

std::string join(const std::vector<int>& values) {
    std::string text;
    for (const int value : values) text += " " + std::to_string(value);
    return text.empty() ? " " : text;
}

std::string join(const std::vector<result<int>>& outcomes) {
    std::string text;
    for (const result<int>& each : outcomes) {
        text +=
            " " + (each ? std::to_string(result<int>(each).value()) : describe(each.exception()));
    }
    return text.empty() ? " " : text;
}

return_when mode_of(const word& argument) {
    if (argument.text == "first") return return_when::first_completed;
    if (argument.text == "exception") return return_when::first_exception;
    return return_when::all_completed;
}

}  // namespace

coro<bool> world::do_return(const node* line, frame* own) {
    own->value = line->number(0);
    co_return true;
}

coro<bool> world::do_sleep(const node* line, frame* own) {
    co_await sleep(std::chrono::seconds(line->number(0)));
    tell(*line, *own, "over");
    co_return false;
}

coro<bool> world::do_await(const node* line, frame* own) {
    if (task<int>* known = find_task(line->name())) {
        const int value = co_await task<int>(*known);
        tell(*line, *own, std::to_string(value));
    } else if (promise<int>* open = find_future(line->name())) {
        const int value = co_await open->get_future();
        tell(*line, *own, std::to_string(value));
    } else {
        tell(*line, *own, "is not there");
    }
    co_return false;
}

// ---- Several at once ----------------------------------------------------------------------

coro<bool> world::do_gather(const node* line, frame* own) {
    std::vector<int> values;
    if (has_futures(*line)) {
        values = co_await gather(future_items(*line));
    } else if (has_coroutines_only(*line)) {
        values = co_await gather(coroutine_items(*line));
    } else {
        values = co_await gather(items(*line));
    }
    say(own->name, "gather" + join(values));
    co_return false;
}

coro<bool> world::do_collect(const node* line, frame* own) {
    std::vector<result<int>> outcomes;
    if (has_futures(*line)) {
        outcomes = co_await gather(return_exceptions, future_items(*line));
    } else if (has_coroutines_only(*line)) {
        outcomes = co_await gather(return_exceptions, coroutine_items(*line));
    } else {
        outcomes = co_await gather(return_exceptions, items(*line));
    }
    say(own->name, "collect" + join(outcomes));
    co_return false;
}

template <typename Handle>
coro<void> world::show_wait(std::vector<Handle> handles, std::vector<std::string> names,
                            const node* line, frame* own) {
    const auto sorted = co_await wait(handles, mode_of(line->args[0]), limit_of(line->args[1]));
    std::string text = "wait";
    for (std::size_t index = 0; index < handles.size(); ++index) {
        bool is_done = false;
        for (const Handle& each : sorted.done) {
            if (each.shared() == handles[index].shared()) is_done = true;
        }
        text += " " + names[index] + (is_done ? ":done" : ":pending");
    }
    say(own->name, text);
}

coro<bool> world::do_wait(const node* line, frame* own) {
    std::vector<std::string> names;
    std::vector<task<int>> tasks;
    std::vector<future<int>> futures;
    for (std::size_t index = 2; index < line->args.size(); ++index) {
        const std::string& name = line->name(index);
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        const task<int>* known = find_task(name);
        const promise<int>* open = find_future(name);
        if (known == nullptr && open == nullptr) continue;
        names.push_back(name);
        if (known != nullptr) tasks.push_back(*known);
        if (open != nullptr) futures.push_back(open->get_future());
    }
    if (!tasks.empty()) {
        co_await show_wait(std::move(tasks), std::move(names), line, own);
    } else if (!futures.empty()) {
        co_await show_wait(std::move(futures), std::move(names), line, own);
    } else {
        say(own->name, "wait nothing");
    }
    co_return false;
}

template <typename Handle>
coro<void> world::show_each(std::vector<Handle> handles, const node* line, frame* own) {
    auto stream = as_completed(std::move(handles), limit_of(line->args[0]));
    for (int left = line->number(1); left > 0 && stream.left() > 0; --left) {
        std::string what;
        try {
            auto coming = co_await stream.next();
            const int value = co_await std::move(*coming);
            what = std::to_string(value);
        } catch (const std::exception&) {
            what = describe(std::current_exception());
        }
        say(own->name, "each " + what);
    }
}

coro<bool> world::do_each(const node* line, frame* own) {
    if (has_futures(*line)) {
        co_await show_each(future_items(*line), line, own);
    } else {
        co_await show_each(items(*line), line, own);
    }
    co_return false;
}

// ---- Limits -------------------------------------------------------------------------------

coro<bool> world::do_wait_for(const node* line, frame* own) {
    const auto limit = std::chrono::seconds(line->number(0));
    const node& item_line = line->children.front();
    int value = 0;
    if (item_line.op == "coro") {
        value = co_await wait_for(body(item_line.name(), &item_line.children, nullptr), limit);
    } else if (task<int>* known = find_task(item_line.name())) {
        value = co_await wait_for(task<int>(*known), limit);
    } else if (promise<int>* open = find_future(item_line.name())) {
        value = co_await wait_for(open->get_future(), limit);
    } else {
        say(own->name, "wait_for nothing");
        co_return false;
    }
    say(own->name, fmt::format("wait_for {}", value));
    co_return false;
}

coro<bool> world::do_shield(const node* line, frame* own) {
    const node& item_line = line->children.front();
    int value = 0;
    if (item_line.op == "coro") {
        value = co_await shield(body(item_line.name(), &item_line.children, nullptr));
    } else if (task<int>* known = find_task(item_line.name())) {
        value = co_await shield(task<int>(*known));
    } else if (promise<int>* open = find_future(item_line.name())) {
        value = co_await shield(open->get_future());
    } else {
        say(own->name, "shield nothing");
        co_return false;
    }
    say(own->name, fmt::format("shield {}", value));
    co_return false;
}

coro<bool> world::under_limit(const node* line, frame* own, timeout_scope* scope) {
    own->limit = scope;
    co_return co_await block(&line->children, own);
}

coro<bool> world::do_timeout(const node* line, frame* own) {
    timeout_scope* const outer = own->limit;
    const std::optional<duration> limit = limit_of(line->args[0]);
    std::optional<time_point> when;
    if (limit) when = deadline_after(get_running_loop().time(), *limit);
    timeout_scope scope(when);
    bool ended = false;
    std::exception_ptr error;
    try {
        ended = co_await scope.run(under_limit(line, own, &scope));
    } catch (...) {
        error = std::current_exception();
    }
    own->limit = outer;
    tell(*line, *own, scope.expired() ? "expired" : "kept");
    if (error) std::rethrow_exception(error);
    co_return ended;
}

coro<bool> world::do_group(const node* line, frame* own) {
    task_group* opened = nullptr;
    const auto members = [this, line, own, &opened](task_group& group) -> coro<bool> {
        opened = groups_[line->name()] = &group;
        co_return co_await block(&line->children, own);
    };
    bool ended = false;
    std::exception_ptr error;
    try {
        ended = co_await with_task_group(members);
    } catch (...) {
        error = std::current_exception();
    }
    // Under `repeat` there may be several of one name.
    const auto known = groups_.find(line->name());
    if (known != groups_.end() && known->second == opened) groups_.erase(known);
    tell(*line, *own, "over");
    if (error) std::rethrow_exception(error);
    co_return ended;
}

// ---- Control ------------------------------------------------------------------------------

coro<bool> world::do_repeat(const node* line, frame* own) {
    for (int left = line->number(0); left > 0; --left) {
        const bool ended = co_await block(&line->children, own);
        if (ended) co_return true;
    }
    co_return false;
}

namespace {

const node* part(const node& line, std::string_view op) {
    for (const node& child : line.children) {
        if (child.op == op) return &child;
    }
    return nullptr;
}

bool is_caught(const node& handler, const std::exception_ptr& error) {
    const std::string& kind = handler.name();
    if (kind == "any") return true;
    if (kind == "timeout") return describe(error) == "timeout";
    return (kind == "cancelled") == is_cancelled(error);
}

}  // namespace

coro<bool> world::do_try(const node* line, frame* own) {
    bool ended = false;
    std::exception_ptr error;
    try {
        ended = co_await guarded(part(*line, "body"), part(*line, "catch"), own);
    } catch (...) {
        error = std::current_exception();
    }
    if (const node* last = part(*line, "finally")) {
        say(own->name, "finally");
        co_await block(&last->children, own);
    }
    if (error) std::rethrow_exception(error);
    co_return ended;
}

coro<bool> world::guarded(const node* line, const node* handler, frame* own) {
    std::exception_ptr error;
    try {
        co_return co_await block(&line->children, own);
    } catch (...) {
        error = std::current_exception();
    }
    if (handler == nullptr || !is_caught(*handler, error)) std::rethrow_exception(error);
    say(own->name, "caught " + describe(error));
    const bool ended = co_await block(&handler->children, own);
    if (ended) co_return true;
    if (handler->name(1) == "reraise") std::rethrow_exception(error);
    co_return false;
}

}  // namespace mayhem::differential
