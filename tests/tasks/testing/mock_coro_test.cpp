// Mocked coroutines: what they give, when they do it, what is counted, and that nothing is
// forgotten.
#include "tasks/testing/mock_coro.hpp"

#include <gmock/gmock.h>
#include <memory>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"
#include "tasks/testing/live_object.hpp"
#include "tasks/testing/virtual_time.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NiceMock;

struct mock_store {
    MOCK_METHOD(coro<int>, save, (const std::string& text), ());
    MOCK_METHOD(coro<>, flush, (), ());
    MOCK_METHOD(coro<std::unique_ptr<int>>, load, (int number), ());
    MOCK_METHOD(coro<int&>, find, (), ());
    MOCK_METHOD(coro<live_object>, lend, (), ());
    MOCK_METHOD(coro<>, change, (int& number), ());
    MOCK_METHOD(coro<int>, consume, (std::unique_ptr<int> number), ());
    MOCK_METHOD(task<int>, begin, (int number), ());
};

CO_TEST(mock_coro, results_and_exceptions_come_in_sequence) {
    mock_store store;
    EXPECT_CALL(store, save("a"))
        .WillOnce(CoReturn(1))
        .WillOnce(CoThrow(std::runtime_error("disk full")))
        .WillRepeatedly(CoReturn(3));
    EXPECT_EQ(co_await store.save("a"), 1);
    CO_EXPECT_THROW_THAT(co_await store.save("a"), std::runtime_error, WithMessage("disk full"));
    EXPECT_EQ(co_await store.save("a"), 3);
    EXPECT_EQ(co_await store.save("a"), 3);
}

CO_TEST(mock_coro, nothing_happens_before_the_coroutine_is_awaited) {
    mock_store store;
    std::vector<std::string> order;
    auto note = [&](const std::string& text) {
        order.push_back(text);
        return 7;
    };
    EXPECT_CALL(store, save).WillOnce(CoInvoke(note));
    auto saving = store.save("saved");
    order.emplace_back("called");
    EXPECT_EQ(co_await std::move(saving), 7);
    EXPECT_THAT(order, ElementsAre("called", "saved"));
}

CO_TEST(mock_coro, a_function_that_is_a_coroutine_is_awaited) {
    mock_store store;
    auto count = [](std::string text) -> coro<int> {
        co_await mayhem::sleep(1s);
        co_return static_cast<int>(text.size());
    };
    EXPECT_CALL(store, save).WillOnce(CoInvoke(count));
    EXPECT_EQ(co_await store.save("four"), 4);
}

CO_TEST(mock_coro, a_method_without_a_result_needs_no_action) {
    NiceMock<mock_store> store;
    co_await store.flush();
    EXPECT_CALL(store, flush).WillOnce(CoReturn()).WillOnce(CoThrow(std::runtime_error("no")));
    co_await store.flush();
    CO_EXPECT_THROW(co_await store.flush(), std::runtime_error);
}

CO_TEST(mock_coro, values_that_only_move_references_and_changes_pass_through) {
    mock_store store;
    EXPECT_CALL(store, load(7)).WillOnce(CoReturn(std::make_unique<int>(7)));
    EXPECT_EQ(*co_await store.load(7), 7);

    int number = 1;
    EXPECT_CALL(store, find).WillOnce(CoReturn(std::ref(number)));
    int& found = co_await store.find();
    EXPECT_EQ(&found, &number);

    auto increment = [](int& changed) { ++changed; };
    EXPECT_CALL(store, change).WillOnce(CoInvoke(increment));
    co_await store.change(number);
    EXPECT_EQ(number, 2);

    auto take = [](std::unique_ptr<int> taken) { return *taken; };
    EXPECT_CALL(store, consume).WillOnce(CoInvoke(take));
    EXPECT_EQ(co_await store.consume(std::make_unique<int>(9)), 9);
}

CO_TEST(mock_coro, a_value_that_only_moves_is_returned_once) {
    mock_store store;
    EXPECT_CALL(store, load).WillRepeatedly(CoReturn(std::make_unique<int>(7)));
    co_await store.load(1);
    CO_EXPECT_THROW(co_await store.load(2), std::logic_error);
}

CO_TEST(mock_coro, every_copy_of_a_result_is_destroyed_once) {
    {
        mock_store store;
        EXPECT_CALL(store, lend).WillRepeatedly(CoSleepThen(1s, CoReturn(live_object(3))));
        for (int times = 0; times < 3; ++times) {
            const live_object lent = co_await store.lend();
            EXPECT_EQ(lent.value(), 3);
        }
    }
    EXPECT_EQ(live_object::alive(), 0);
}

CO_TEST(mock_coro, time_can_pass_before_the_result) {
    mock_store store;
    EXPECT_CALL(store, save).WillOnce(CoSleepThen(2s, CoReturn(7)));
    auto saving = create_task(store.save("late"));
    co_await advance(1s);
    EXPECT_FALSE(saving.done());
    co_await advance(1s);
    EXPECT_EQ(co_await saving, 7);
}

CO_TEST(mock_coro, a_call_that_never_ends_can_be_cancelled) {
    mock_store store;
    co_calls saves;
    EXPECT_CALL(store, save).WillOnce(CoBlock().counted(saves));
    CO_EXPECT_THROW(co_await wait_for(store.save("stuck"), 1s), timeout_error);
    EXPECT_EQ(saves.awaited(), 1U);
    EXPECT_EQ(saves.finished(), 0U);
}

CO_TEST(mock_coro, side_effects_of_gmock_happen_at_the_call) {
    mock_store store;
    int called = 0;
    EXPECT_CALL(store, save).WillOnce(::testing::DoAll([&] { ++called; }, CoReturn(7)));
    auto saving = store.save("x");
    EXPECT_EQ(called, 1);
    EXPECT_EQ(co_await std::move(saving), 7);
}

CO_TEST(mock_coro, calls_and_awaits_are_counted_apart) {
    mock_store store;
    co_calls saves;
    EXPECT_CALL(store, save).Times(2).WillRepeatedly(CoReturn(7).counted(saves));
    auto first = store.save("a");
    auto second = store.save("b");
    EXPECT_EQ(saves.called(), 2U);
    EXPECT_EQ(saves.awaited(), 0U);
    co_await std::move(first);
    EXPECT_EQ(saves.awaited(), 1U);
    EXPECT_EQ(saves.finished(), 1U);
    co_await std::move(second);
}

CO_TEST(mock_coro, a_mocked_task_starts_by_itself) {
    mock_store store;
    co_calls begins;
    auto twice = [](int number) { return 2 * number; };
    EXPECT_CALL(store, begin).WillOnce(CoInvoke(twice).counted(begins));
    auto running = store.begin(4);
    co_await drain();
    EXPECT_EQ(begins.finished(), 1U);
    EXPECT_EQ(co_await running, 8);
}

/// What a test with this body fails with.
template <typename Body>
std::vector<std::string> failures_in(const Body& body) {
    return failures_of([&] { run_co_test(backend_kind::epoll, body); });
}

TEST(mock_coro, a_call_that_is_never_awaited_fails_the_test_once) {
    const auto body = []() -> coro<> {
        NiceMock<mock_store> store;
        EXPECT_CALL(store, save).WillOnce(CoReturn(7));
        {
            auto forgotten = store.save("lost");
        }
        co_return;
    };
    EXPECT_THAT(failures_in(body), ElementsAre(HasSubstr("called, but never awaited")));
}

TEST(mock_coro, a_default_action_that_is_never_awaited_fails_the_test_as_well) {
    const auto body = []() -> coro<> {
        NiceMock<mock_store> store;
        {
            auto forgotten = store.flush();
        }
        co_return;
    };
    EXPECT_THAT(failures_in(body), ElementsAre(HasSubstr("called, but never awaited")));
}

TEST(mock_coro, a_call_need_not_be_awaited_when_the_test_says_so) {
    const auto body = []() -> coro<> {
        skip_check(check::never_awaited);
        NiceMock<mock_store> store;
        co_calls saves;
        EXPECT_CALL(store, save).WillOnce(CoReturn(7).counted(saves));
        {
            auto forgotten = store.save("lost");
        }
        EXPECT_EQ(saves.called(), 1U);
        EXPECT_EQ(saves.awaited(), 0U);
        co_return;
    };
    EXPECT_THAT(failures_in(body), IsEmpty());
}

}  // namespace
