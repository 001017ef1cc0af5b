// Coroutines by themselves: when they run, what becomes of their arguments, results and frames.
#include <array>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

coro<> set_flag(bool& flag) {
    flag = true;
    co_return;
}

CO_TEST(coro, does_not_run_before_it_is_awaited) {
    bool ran = false;
    auto later = set_flag(ran);
    co_await yield();
    EXPECT_FALSE(ran);
    co_await std::move(later);
    EXPECT_TRUE(ran);
}

coro<int> consume(live_object first, std::unique_ptr<live_object> second) {
    co_return first.value() + second->value();
}

CO_TEST(coro, never_started_destroys_its_arguments_once) {
    {
        auto never = consume(live_object(1), std::make_unique<live_object>(2));
        EXPECT_EQ(live_object::alive(), 2);
        never.close();
        EXPECT_EQ(live_object::alive(), 0);
        EXPECT_FALSE(static_cast<bool>(never));
    }
    EXPECT_EQ(live_object::alive(), 0);
    co_return;
}

/// Its destructor throws.
struct throws_at_its_end {
    ~throws_at_its_end() noexcept(false) { throw std::runtime_error("at the end"); }
};

coro<std::unique_ptr<live_object>> return_and_throw() {
    const throws_at_its_end local;
    co_return std::make_unique<live_object>(1);
}

CO_TEST(coro, a_local_that_throws_at_its_end_takes_the_place_of_the_value) {
    EXPECT_THROW(co_await return_and_throw(), std::runtime_error);
    EXPECT_EQ(live_object::alive(), 0);
    auto running = create_task(return_and_throw());
    EXPECT_THROW(co_await running, std::runtime_error);
    EXPECT_EQ(live_object::alive(), 0);
}

coro<> fail_with(std::string what) {
    co_await yield();
    throw std::runtime_error(what);
}

coro<> catch_inside() { EXPECT_THROW(co_await fail_with("inside"), std::runtime_error); }

CO_TEST(coro, an_error_that_is_caught_leaves_nothing_behind_for_the_next) {
    for (const char* what : {"first", "second"}) {
        std::string seen;
        try {
            co_await fail_with(what);
        } catch (const std::runtime_error& error) {
            seen = error.what();
        }
        EXPECT_EQ(seen, what);
    }
    auto caught = create_task(catch_inside());
    co_await caught;
    EXPECT_EQ(caught.exception(), nullptr);
}

CO_TEST(coro, destroys_its_arguments_once_when_awaited) {
    EXPECT_EQ(co_await consume(live_object(1), std::make_unique<live_object>(2)), 3);
    EXPECT_EQ(live_object::alive(), 0);
}

class no_default {
  public:
    explicit no_default(int value) : number(value) {}
    no_default(no_default&&) = default;
    no_default& operator=(no_default&&) = delete;
    int number;
};

coro<no_default> make_no_default() { co_return no_default(7); }
coro<std::unique_ptr<int>> make_unique_int() { co_return std::make_unique<int>(8); }
coro<int&> refer_to(int& target) { co_return target; }

CO_TEST(coro, gives_move_only_reference_and_non_default_constructible_results) {
    const no_default made = co_await make_no_default();
    EXPECT_EQ(made.number, 7);
    EXPECT_EQ(*co_await make_unique_int(), 8);
    int target = 0;
    co_await refer_to(target) = 9;
    EXPECT_EQ(target, 9);
}

coro<live_object> make_live() { co_return live_object(5); }

CO_TEST(coro, leaves_no_copy_of_its_result_behind) {
    {
        const live_object result = co_await make_live();
        EXPECT_EQ(result.value(), 5);
        EXPECT_EQ(live_object::alive(), 1);
    }
    EXPECT_EQ(live_object::alive(), 0);
}

CO_TEST(coro, passes_exceptions_to_who_awaits_it) {
    CO_EXPECT_THROW(co_await fail_after(0s, "no"), std::runtime_error);
}

coro<int> one() { co_return 1; }

CO_TEST(coro, two_million_awaits_that_complete_at_once_need_no_stack) {
    int sum = 0;
    for (int i = 0; i < 2'000'000; ++i) sum += co_await one();
    EXPECT_EQ(sum, 2'000'000);
}

coro<int> nest(int depth, event& go) {
    if (depth == 0) {
        co_await go.wait();
        co_return 0;
    }
    co_return 1 + co_await nest(depth - 1, go);
}

CO_TEST(coro, two_hundred_thousand_nested_frames_return) {
    event go;
    auto deep = create_task(nest(200'000, go));
    co_await yield();
    go.set();
    EXPECT_EQ(co_await deep, 200'000);
}

CO_TEST(coro, two_hundred_thousand_nested_frames_are_cancelled) {
    event go;
    auto deep = create_task(nest(200'000, go));
    co_await yield();
    deep.cancel();
    CO_EXPECT_THROW(co_await deep, cancelled);
}

/// Says in which order the frames that it is in are destroyed.
class farewell {
  public:
    farewell(std::vector<int>& order, int depth) : order_(order), depth_(depth) {}
    farewell(const farewell&) = delete;
    farewell& operator=(const farewell&) = delete;
    ~farewell() { order_.push_back(depth_); }

  private:
    std::vector<int>& order_;
    int depth_;
};

coro<> nest_and_say_farewell(std::vector<int>& order, int depth) {
    const farewell own(order, depth);
    if (depth < 3) {
        co_await nest_and_say_farewell(order, depth + 1);
    } else {
        co_await sleep(1h);
    }
}

TEST(coro, frames_are_destroyed_with_their_loop_the_innermost_first) {
    for_each_backend([](backend_kind kind) {
        std::vector<int> order;
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
        create_task(loop, nest_and_say_farewell(order, 1));
        loop.stop();
        loop.run_forever();
        EXPECT_TRUE(order.empty());
        loop.close();
        EXPECT_EQ(order, (std::vector{3, 2, 1}));
    });
}

TEST(coro, two_hundred_thousand_nested_frames_are_destroyed_with_their_loop) {
    for_each_backend([](backend_kind kind) {
        event go;
        loop_options options;
        options.backend = kind;
        event_loop loop(options);
        int reports = 0;
        loop.set_exception_handler([&](event_loop&, const exception_context&) { ++reports; });
        const auto deep = create_task(loop, nest(200'000, go));
        loop.stop();
        loop.run_forever();
        loop.close();
        EXPECT_EQ(reports, 1);
        EXPECT_TRUE(deep.is_cancelled());
    });
}

CO_TEST(coro, invoke_keeps_the_captures_of_a_lambda_alive) {
    auto running = [] {
        auto held = std::make_shared<int>(3);
        auto body = [held]() -> coro<int> {
            co_await yield();
            co_return *held;
        };
        return create_task(mayhem::invoke(std::move(body)));
    }();  // the lambda that made the coroutine is gone
    EXPECT_EQ(co_await running, 3);
}

coro<> hold_local(live_object held, event& never) {
    EXPECT_EQ(held.value(), 1);
    co_await never.wait();
}

CO_TEST(coro, cancellation_destroys_locals_although_the_handle_is_kept) {
    event never;
    auto holder = create_task(hold_local(live_object(1), never));
    co_await yield();
    EXPECT_EQ(live_object::alive(), 1);
    holder.cancel();
    co_await ticks(2);
    EXPECT_TRUE(holder.done());
    EXPECT_EQ(live_object::alive(), 0);
}

coro<int> hold_parameter(std::shared_ptr<void> /*held*/) { co_return 7; }

CO_TEST(coro, parameters_die_before_their_task_is_done_and_may_look_at_it) {
    std::string seen;
    const auto look = [&seen](void*) {
        task_ref ending = current_task();
        const bool cancels = ending.cancel();
        seen = fmt::format("done {}, frames {}, cancels {}, {}", ending.done(),
                           ending.get_stack().size(), cancels, ending.describe());
    };
    auto holder = create_task(hold_parameter(std::shared_ptr<void>(nullptr, look)), "holder");
    EXPECT_EQ(co_await holder, 7);
    EXPECT_THAT(seen, ::testing::StartsWith(
                          "done false, frames 0, cancels true, <Task cancelling name='holder' "
                          "coro=<hold_parameter() done, defined at"));
}

// What g++ 12 gets wrong are temporaries inside a co_await expression; these are the ones that
// users of this library write.
CO_TEST(coro, temporaries_in_an_await_are_destroyed_once) {
    queue<live_object> items;
    co_await items.put(live_object(1));
    co_await items.put(live_object(2));
    EXPECT_EQ(live_object::alive(), 2);
    EXPECT_EQ((co_await items.get()).value(), 1);
    EXPECT_EQ((co_await wait_for(items.get(), 1s)).value(), 2);
    EXPECT_EQ(live_object::alive(), 0);

    const auto [first, second] = co_await gather(make_live(), items.put(live_object(3)));
    EXPECT_EQ(first.value(), 5);
    EXPECT_EQ(live_object::alive(), 2);
    EXPECT_EQ((co_await create_task(items.get())).value(), 3);
    EXPECT_EQ(live_object::alive(), 1);

    co_await shield(consume(live_object(1), std::make_unique<live_object>(2)));
    co_await timeout(1s, consume(live_object(1), std::make_unique<live_object>(2)));
    EXPECT_EQ(live_object::alive(), 1);
}

CO_TEST(coro, a_cancelled_put_destroys_its_item_once) {
    queue<live_object> items(1);
    co_await items.put(live_object(1));
    auto putter = create_task(items.put(live_object(2)));
    co_await yield();
    putter.cancel();
    CO_EXPECT_THROW(co_await putter, cancelled);
    EXPECT_EQ(live_object::alive(), 1);
}

}  // namespace
