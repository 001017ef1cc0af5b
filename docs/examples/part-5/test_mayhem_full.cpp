// The whole service tested, coroutine by coroutine, and main with every signal.
#include <csignal>

#include "docs/examples/part-5/mayhem.hpp"
#include "tasks/testing/close_observer.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/failure_capture.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tasks/testing/mock_coro.hpp"
#include "tasks/testing/mock_sleep.hpp"
#include "tasks/testing/signal_after.hpp"
#include "tasks/testing/virtual_time.hpp"

using namespace mayhem::examples;
using namespace mayhem::testing;
using namespace std::chrono_literals;
using mayhem::coro;
using testing::_;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointee;
using testing::Return;

/// Chance is mocked.
struct chanceless_service : service {
    MOCK_METHOD(int, randrange, (int first, int last), (override));
    MOCK_METHOD(std::string, choices, (int count), (override));
    MOCK_METHOD(std::string, uuid4, (), (override));
};

/// What handles a message is mocked.
struct partless_service : service {
    MOCK_METHOD(coro<>, save, (message msg), (override));
    MOCK_METHOD(coro<>, restart_host, (message msg), (override));
    MOCK_METHOD(coro<>, extend, (message msg, shared_event done), (override));
    MOCK_METHOD(coro<>, cleanup, (message msg, shared_event done), (override));
    MOCK_METHOD(void, handle_results, (const results& outcomes, const message& msg), (override));
};

/// What main and consume start is mocked.
struct idle_service : service {
    MOCK_METHOD(coro<>, publish, (message_queue & queue), (override));
    MOCK_METHOD(coro<>, consume, (message_queue & queue), (override));
};
struct unhandled_service : service {
    MOCK_METHOD(coro<>, handle_message, (message msg), (override));
};

class mayhem_test : public testing::Test {
  protected:
    coro<> co_set_up() {
        log_.clear();  // what the loop said
        co_return;
    }

    log_capture log_;
    testing::NiceMock<chanceless_service> service_;
    message message_ = std::make_shared<pubsub_message>("1", "cattle-1234");
    shared_event done_ = std::make_shared<mayhem::event>();
    message_queue queue_;
};

CO_TEST_F(mayhem_test, publish) {
    const mock_sleep sleeps;
    const auto exhausted = testing::Throw(std::runtime_error("no more"));
    EXPECT_CALL(service_, uuid4)
        .WillOnce(Return("1"))
        .WillOnce(Return("2"))
        .WillOnce(Return("3"))
        .WillOnce(exhausted);
    EXPECT_CALL(service_, choices(4))
        .WillOnce(Return("1234"))
        .WillOnce(Return("5678"))
        .WillOnce(Return("9876"));
    CO_EXPECT_THROW(co_await service_.publish(queue_), std::runtime_error);

    EXPECT_EQ(other_tasks().size(), 3U);
    EXPECT_EQ(log_.lines().size(), 3U);
    EXPECT_TRUE(queue_.empty());
    co_await drain();
    EXPECT_EQ(*queue_.get_nowait(), pubsub_message("1", "cattle-1234"));
    EXPECT_EQ(*queue_.get_nowait(), pubsub_message("2", "cattle-5678"));
    EXPECT_EQ(*queue_.get_nowait(), pubsub_message("3", "cattle-9876"));
}

CO_TEST_F(mayhem_test, restart_host) {
    const mock_sleep sleeps;
    EXPECT_FALSE(message_->restarted);  // sanity check
    EXPECT_CALL(service_, randrange).WillOnce(Return(1));
    co_await service_.restart_host(message_);
    EXPECT_TRUE(message_->restarted);
    EXPECT_EQ(sleeps.count(), 1U);
    EXPECT_EQ(log_.lines().size(), 1U);
}

CO_TEST_F(mayhem_test, restart_host_raises) {
    const mock_sleep sleeps;
    EXPECT_CALL(service_, randrange).WillOnce(Return(3));
    CO_EXPECT_THROW_THAT(co_await service_.restart_host(message_), restart_failed,
                         WithMessage(HasSubstr("Could not restart ")));
    EXPECT_EQ(sleeps.count(), 1U);
    log_.expect_nothing_else();
}

CO_TEST_F(mayhem_test, save) {
    const mock_sleep sleeps;
    EXPECT_FALSE(message_->saved);  // sanity check
    co_await service_.save(message_);
    EXPECT_TRUE(message_->saved);
    EXPECT_EQ(sleeps.count(), 1U);
    EXPECT_EQ(log_.lines().size(), 1U);
}

CO_TEST_F(mayhem_test, cleanup) {
    EXPECT_FALSE(message_->acked);  // sanity check
    auto cleaning = mayhem::create_task(service_.cleanup(message_, done_));
    co_await drain();
    EXPECT_FALSE(message_->acked);
    done_->set();
    co_await cleaning;
    EXPECT_TRUE(message_->acked);
    EXPECT_EQ(log_.lines().size(), 1U);
}

CO_TEST_F(mayhem_test, extend) {
    const mock_sleep sleeps(mayhem::sleep_fate::takes_its_time);
    EXPECT_EQ(message_->extended_count, 0);  // sanity check
    auto extending = mayhem::create_task(service_.extend(message_, done_));
    co_await advance(3s);
    done_->set();
    co_await extending;
    EXPECT_THAT(sleeps.durations(), ElementsAre(2s, 2s));
    EXPECT_EQ(message_->extended_count, 2);
    EXPECT_EQ(log_.lines().size(), 2U);
}

CO_TEST_F(mayhem_test, handle_message) {
    partless_service own;
    shared_event shared;
    EXPECT_CALL(own, save(message_));
    EXPECT_CALL(own, restart_host(message_));
    EXPECT_CALL(own, extend(message_, _))
        .WillOnce(testing::DoAll(testing::SaveArg<1>(&shared), CoReturn()));
    EXPECT_CALL(own, cleanup(message_, testing::Truly([&](auto& done) { return done == shared; })));
    EXPECT_CALL(own, handle_results(ElementsAre(nullptr, nullptr), message_));
    co_await own.handle_message(message_);
    EXPECT_TRUE(shared->is_set());
}

/// Runs consume until its queue, with one message in it, ends.
coro<> consume_one(service& own, message msg) {
    message_queue queue;
    queue.put_nowait(msg);
    queue.shutdown();
    CO_EXPECT_THROW(co_await own.consume(queue), mayhem::queue_shutdown);
}

CO_TEST_F(mayhem_test, consume_wrong) {
    unhandled_service own;
    co_calls handled;
    EXPECT_CALL(own, handle_message(message_)).WillOnce(CoReturn().counted(handled));
    co_await consume_one(own, message_);
    // expected to fail: the task has had no turn
    EXPECT_THAT(failures_of([&] { EXPECT_EQ(handled.awaited(), 1U); }), testing::SizeIs(1));
    co_await drain();
}

CO_TEST_F(mayhem_test, consume) {
    unhandled_service own;
    co_calls handled;
    EXPECT_CALL(own, handle_message(message_)).WillOnce(CoReturn().counted(handled));
    co_await consume_one(own, message_);
    EXPECT_EQ(other_tasks().size(), 1U);
    EXPECT_EQ(log_.lines().size(), 1U);
    EXPECT_EQ(handled.awaited(), 0U);
    co_await drain();
    EXPECT_EQ(handled.awaited(), 1U);
}

class main_test : public testing::TestWithParam<int> {};

TEST_P(main_test, ends_by_a_signal) {
    const int tested_signal = GetParam();
    for_each_backend([=](mayhem::backend_kind kind) {
        log_capture log;
        idle_service own;
        EXPECT_CALL(own, publish);
        EXPECT_CALL(own, consume);

        mayhem::event_loop loop(test_options(kind).loop);
        const close_observer closing(loop, [=](mayhem::event_loop& ending) {
            EXPECT_TRUE(ending.has_signal_handler(tested_signal));
            EXPECT_TRUE(ending.get_exception_handler());
            EXPECT_FALSE(ending.is_running());
        });

        testing::MockFunction<void(int)> unexpected;
        loop.add_signal_handler(SIGUSR1, [&](int number) {
            unexpected.Call(number);
            loop.stop();
        });
        const bool is_unexpected = tested_signal == SIGUSR1;
        EXPECT_CALL(unexpected, Call(SIGUSR1)).Times(is_unexpected ? 1 : 0);

        signal_after(100ms, tested_signal, loop);
        own.main(loop);
        EXPECT_EQ(log.count("Cancelling outstanding tasks"), is_unexpected ? 0U : 1U);
        EXPECT_EQ(closing.calls(), 1);
    });
}

INSTANTIATE_TEST_SUITE_P(mayhem, main_test, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR1),
                         [](const auto& each) { return mayhem::signal_name(each.param); });
