// Waiting for several things, with limits and shields: whoever is cancelled, each child ends once,
// and everything that it was given is destroyed once.

#include <memory>

#include "tests/stress/everywhere/scenarios.hpp"

namespace mayhem::testing {
namespace {

using std::chrono::seconds;

/// Counts what is alive, and what has been at work: given to each child by value.
class tally {
  public:
    tally() : alive_(std::make_shared<int>(0)) {}
    class token {
      public:
        explicit token(std::shared_ptr<int> alive) : alive_(std::move(alive)) { ++*alive_; }
        token(const token&) = delete;
        token& operator=(const token&) = delete;
        token(token&& other) noexcept = default;
        token& operator=(token&&) = delete;
        ~token() {
            if (alive_) --*alive_;
        }

      private:
        std::shared_ptr<int> alive_;
    };
    [[nodiscard]] token take() { return token(alive_); }
    [[nodiscard]] int alive() const noexcept { return *alive_; }

  private:
    std::shared_ptr<int> alive_;
};

coro<int> work(tally::token, seconds time, int value) {
    co_await mayhem::sleep(time);
    co_return value;
}

coro<> failing(tally::token, seconds time) {
    co_await mayhem::sleep(time);
    throw expected_failure();
}

coro<> gather_all(tally& held) {
    auto [one, two] =
        co_await gather(work(held.take(), seconds(1), 1), work(held.take(), seconds(2), 2));
    if (one != 1 || two != 2) throw std::logic_error("gather gave somebody else's result");
}
coro<> gather_with_failure(tally& held) {
    co_await gather(failing(held.take(), seconds(1)), work(held.take(), seconds(2), 2));
}
coro<> gather_results(tally& held) {
    auto [one, two] = co_await gather(return_exceptions, failing(held.take(), seconds(1)),
                                      work(held.take(), seconds(2), 2));
}
coro<> wait_for_some(tally& held) {
    std::vector<task<int>> both;
    both.push_back(create_task(work(held.take(), seconds(1), 1)));
    both.push_back(create_task(work(held.take(), seconds(2), 2)));
    co_await wait(both, return_when::first_completed);
    co_await wait(both);
}
coro<> take_as_completed(tally& held) {
    std::vector<coro<int>> both;
    both.push_back(work(held.take(), seconds(2), 2));
    both.push_back(work(held.take(), seconds(1), 1));
    auto stream = as_completed(std::move(both));
    for (;;) {
        auto next = co_await stream.next();
        if (!next) break;
        co_await *next;
    }
}
coro<> in_time(tally& held) {
    co_await wait_for(work(held.take(), seconds(1), 1), seconds(2));
    co_await timeout(seconds(2), work(held.take(), seconds(1), 1));
}
coro<> too_late(tally& held) {
    try {
        co_await wait_for(work(held.take(), seconds(2), 1), seconds(1));
    } catch (const timeout_error&) {
    }
    try {
        co_await timeout(seconds(1), timeout(seconds(1), work(held.take(), seconds(2), 1)));
    } catch (const timeout_error&) {
    }
}
coro<> queue_in_time(tally&) {
    queue<int> items;
    items.put_nowait(1);
    co_await wait_for(items.get(), seconds(1));
    try {
        co_await wait_for(items.get(), seconds(1));
    } catch (const timeout_error&) {
    }
}
coro<> shield_something(tally& held) {
    auto protected_work = create_task(work(held.take(), seconds(1), 1), "shielded");
    co_await shield(protected_work);
}
coro<> shield_with_limit(tally& held) {
    auto protected_work = create_task(work(held.take(), seconds(2), 1), "shielded");
    try {
        co_await wait_for(shield(protected_work), seconds(1));
    } catch (const timeout_error&) {
    }
    co_await protected_work;
}
coro<> group_of_workers(tally& held) {
    auto body = [&held](task_group& group) -> coro<> {
        group.create_task(work(held.take(), seconds(1), 1));
        group.create_task(work(held.take(), seconds(2), 1));
        co_await yield();
    };
    co_await with_task_group(body);
}
coro<> group_that_fails(tally& held) {
    auto body = [&held](task_group& group) -> coro<> {
        group.create_task(failing(held.take(), seconds(1)));
        group.create_task(work(held.take(), seconds(2), 1));
        co_await mayhem::sleep(seconds(3));
    };
    co_await with_task_group(body);
}
coro<> group_in_group(tally& held) {
    auto inner = [&held]() -> coro<> {
        auto body = [&held](task_group& group) -> coro<> {
            group.create_task(work(held.take(), seconds(1), 1));
            co_return;
        };
        co_await with_task_group(body);
    };
    auto outer = [&](task_group& group) -> coro<> {
        group.create_task(inner());
        co_await yield();
    };
    co_await with_task_group(outer);
}
/// The main task ends first: the shutdown cancels one, and waits for the other.
coro<> leave_them_behind(notes& found) {
    auto& held = found.keep<tally>();
    found.afterwards([&] { found.require(held.alive() == 0, "a child outlives its loop"); });
    auto left = create_task(work(held.take(), seconds(5), 1));
    auto shielded = create_task(work(held.take(), seconds(5), 1));
    (void)shield(shielded);
    co_await yield();
}
coro<> await_future(tally::token, future<int> value) { co_await value; }
coro<> promise_kept(tally& held) {
    promise<int> kept;
    auto first = create_task(await_future(held.take(), kept.get_future()));
    auto second = create_task(await_future(held.take(), kept.get_future()));
    co_await yield();
    if (!kept.done()) kept.set_value(1);
    co_await first;
    co_await second;
}

template <coro<> (*Body)(tally&)>
coro<> with_tally(notes& found) {
    auto& held = found.keep<tally>();
    found.afterwards(
        [&] { found.require(held.alive() == 0, "the argument of a coroutine outlives its loop"); });
    try {
        co_await Body(held);
    } catch (const expected_failure&) {
    } catch (const exception_group&) {
    }
    // Siblings of who failed go on, as in asyncio; here they end before the main task does.
    std::vector<task_ref> left;
    for (const task_ref& one : all_tasks()) {
        if (one != current_task()) left.push_back(one);
    }
    for (auto& one : left) one.cancel();
    if (!left.empty()) co_await wait(left);
}

}  // namespace

const std::vector<named_body>& combining_scenarios() {
    static const std::vector<named_body> all{
        {"gather_all", with_tally<gather_all>},
        {"gather_with_failure", with_tally<gather_with_failure>},
        {"gather_results", with_tally<gather_results>},
        {"wait_for_some", with_tally<wait_for_some>},
        {"take_as_completed", with_tally<take_as_completed>},
        {"in_time", with_tally<in_time>},
        {"too_late", with_tally<too_late>},
        {"queue_in_time", with_tally<queue_in_time>},
        {"shield_something", with_tally<shield_something>},
        {"shield_with_limit", with_tally<shield_with_limit>},
        {"group_of_workers", with_tally<group_of_workers>},
        {"group_that_fails", with_tally<group_that_fails>},
        {"group_in_group", with_tally<group_in_group>},
        {"leave_them_behind", leave_them_behind},
        {"promise_kept", with_tally<promise_kept>},
    };
    return all;
}

}  // namespace mayhem::testing
