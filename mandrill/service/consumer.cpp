#include "mandrill/service/consumer.hpp"

#include <algorithm>
#include <utility>

#include "loop/log.hpp"

namespace mandrill {

using mayhem::log;
using mayhem::log_level;

namespace {

/// How long a failing database is left alone before it is asked again.
constexpr std::chrono::seconds retry_after{1};

/// The longest sleep without a look, in case the wall clock and the database disagree.
constexpr std::chrono::milliseconds sleep_max{60'000};

}  // namespace

mayhem::coro<void> consumer::run() {
    while (!stopping_) {
        std::string problem;
        try {
            co_await pull_once();
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (problem.empty()) continue;
        log(log_level::error, "Could not pull messages: {}", problem);
        co_await mayhem::sleep(retry_after);
    }
}

void consumer::stop() noexcept {
    stopping_ = true;
    at_.messages.something_to_pull().set();
}

mayhem::coro<void> consumer::pull_once() {
    at_.messages.something_to_pull().clear();
    const std::size_t room = at_.rules.outstanding_max - active_.size();
    if (room > 0) {
        auto deliveries = co_await at_.messages.pull(room, at_.rules.lease);
        const bool found_any = !deliveries.empty();
        for (delivery& mine : deliveries) start(std::move(mine));
        if (found_any) co_return;
    }
    co_await wait_for_more();
}

mayhem::coro<void> consumer::wait_for_more() {
    std::chrono::milliseconds wait = sleep_max;
    if (active_.size() < at_.rules.outstanding_max) {
        const auto due = co_await at_.messages.next_due();
        if (due) wait = std::min(wait, *due);
    }
    try {
        co_await mayhem::wait_for(at_.messages.something_to_pull().wait(), wait);
    } catch (const mayhem::timeout_error&) {
        // The time has come for something: pull again.
    }
}

void consumer::start(delivery mine) {
    ++at_.counters.pulled;
    log(log_level::info, "Pulled {}", to_string(mine.what));
    const std::string name = "handle " + mine.what.host;
    active_.emplace_back(at_, std::move(mine));
    const auto place = std::prev(active_.end());
    place->task = mayhem::create_task(see_through(place), name);
    if (stopping_) cancel(*place);  // nobody has touched it: straight back
}

/// A task that is cancelled before its first step never takes it: it would give nothing back.
void consumer::cancel(active& one) {
    if (one.is_running) {
        one.task.cancel();
    } else {
        one.is_unwanted = true;
    }
}

mayhem::coro<void> consumer::see_through(std::list<active>::iterator mine) {
    const auto leave = [this, mine]() noexcept {
        active_.erase(mine);
        settled_.set();
        at_.messages.something_to_pull().set();  // room, and perhaps the host's next message
    };
    try {
        mine->is_running = true;
        if (mine->is_unwanted) {
            co_await mine->work.give_back("shutdown");
        } else {
            co_await mine->work.run();
        }
    } catch (...) {
        leave();
        throw;
    }
    leave();
}

std::size_t consumer::cancel_waiting() {
    std::size_t count = 0;
    for (active& one : active_) {
        if (one.work.has_begun()) continue;
        cancel(one);
        ++count;
    }
    return count;
}

std::size_t consumer::cancel_all() {
    for (active& one : active_) cancel(one);
    return active_.size();
}

mayhem::coro<bool> consumer::wait_until_idle(std::chrono::milliseconds limit) {
    const mayhem::event_loop& loop = mayhem::get_running_loop();
    const mayhem::time_point deadline = mayhem::deadline_after(loop.time(), limit);
    while (!active_.empty()) {
        settled_.clear();
        try {
            co_await mayhem::wait_for(settled_.wait(), deadline - loop.time());
        } catch (const mayhem::timeout_error&) {
            co_return active_.empty();
        }
    }
    co_return true;
}

}  // namespace mandrill
