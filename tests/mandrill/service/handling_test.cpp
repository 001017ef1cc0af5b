// One message and many, from pulling to the end, with a real database and a scripted fleet, on a
// virtual clock: leases and back-offs of minutes take no time.
#include "mandrill/service/handling.hpp"

#include <filesystem>
#include <gtest/gtest.h>

#include "mandrill/service/consumer.hpp"
#include "mandrill/service/publisher.hpp"
#include "mandrill/service/request_socket.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/mandrill/service/scripted_fleet.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mandrill {
namespace {

using namespace std::chrono_literals;
using mayhem::coro;
using test::scripted_fleet;

/// A service without signals and publishers.
struct bench {
    explicit bench(std::unique_ptr<database> opened) : db(std::move(opened)) {}

    std::unique_ptr<database> db;
    wall_clock clock{mayhem::get_running_loop()};
    broker messages{*db, clock};
    scripted_fleet fleet{{"cattle-aaaa", "cattle-bbbb", "cattle-cccc"}};
    policy rules{};
    metrics counters;
    std::mt19937_64 random{1};
    mayhem::semaphore permits{rules.restarts_max};
    workplace at{messages, fleet, rules, counters, random, permits};

    coro<void> publish(std::string host, std::string id) {
        request wish(std::move(id), std::move(host));
        co_await messages.publish(std::move(wish));
    }
    coro<delivery> pull_one() {
        auto pulled = co_await messages.pull(1, rules.lease);
        co_return pulled.at(0);
    }
    coro<void> pull_and_handle() {
        handling work(at, co_await pull_one());
        co_await work.run();
    }
    /// Runs a consumer until every message is settled.
    coro<void> consume_everything() {
        consumer all(at);
        auto pulling = mayhem::create_task(all.run());
        for (;;) {
            const auto due = co_await messages.next_due();
            if (!due) break;
            co_await mayhem::sleep(100ms);
        }
        all.stop();
        co_await pulling;
        co_await all.wait_until_idle(1min);
    }
};

/// Runs `body` with a fresh database, which is closed whatever happens.
template <typename Body>
coro<void> with_bench(Body body) {
    const mayhem::test::scratch_folder folder;
    const mayhem::testing::log_capture silence;
    store_options options(folder / "test.db");
    options.sync_every_commit = false;
    bench own(co_await database::open(std::move(options)));
    std::exception_ptr problem;
    try {
        co_await body(own);
        const auto wrong = co_await own.messages.problems();
        EXPECT_TRUE(wrong.empty()) << wrong.front().what;
    } catch (...) {
        problem = std::current_exception();
    }
    co_await own.db->close();
    if (problem) std::rethrow_exception(problem);
}

CO_TEST(handling, a_message_is_saved_restarted_and_acked) {
    auto body = [](bench& own) -> coro<void> {
        co_await own.publish("cattle-aaaa", "r1");
        co_await own.pull_and_handle();
        const summary counts = co_await own.messages.summarize(0);
        EXPECT_EQ(counts.saved, 1);
        EXPECT_EQ(counts.restarted, 1);
        EXPECT_EQ(counts.acked, 1);
        EXPECT_EQ(own.fleet.restarts_done, 1);
    };
    co_await with_bench(body);
}

CO_TEST(handling, the_lease_is_extended_every_two_seconds_while_the_work_goes_on) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 7s;
        co_await own.publish("cattle-aaaa", "r1");
        co_await own.pull_and_handle();
        EXPECT_EQ(own.counters.extended, 3U);
        EXPECT_EQ((co_await own.messages.summarize(0)).acked, 1);
    };
    co_await with_bench(body);
}

CO_TEST(handling, work_that_outlasts_its_first_lease_is_not_delivered_twice) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 1min;
        co_await own.publish("cattle-aaaa", "r1");
        co_await own.consume_everything();
        EXPECT_EQ(own.fleet.restarts, 1);
        EXPECT_EQ((co_await own.messages.summarize(0)).retried, 0);
    };
    co_await with_bench(body);
}

CO_TEST(handling, work_that_takes_too_long_is_given_up) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 1h;
        co_await own.publish("cattle-aaaa", "r1");
        co_await own.pull_and_handle();
        const summary counts = co_await own.messages.summarize(0);
        EXPECT_EQ(counts.acked, 0);
        EXPECT_EQ(counts.nacked, 1);
        EXPECT_EQ(own.fleet.at_once, 0);
        const auto due = co_await own.messages.next_due();
        EXPECT_GT(due.value_or(0ms), 0ms) << "what fails without a word does not spin";
    };
    co_await with_bench(body);
}

CO_TEST(handling, a_failed_restart_is_retried_until_it_succeeds) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.fail_next = 3;
        co_await own.publish("cattle-aaaa", "r1");
        const mayhem::testing::log_capture log;
        co_await own.consume_everything();
        const summary counts = co_await own.messages.summarize(0);
        EXPECT_EQ(counts.acked, 1);
        EXPECT_EQ(counts.failed, 3);
        EXPECT_EQ(own.fleet.restarts_done, 1);
        EXPECT_EQ(log.count("Retrying for failure to restart"), 3U);
        EXPECT_LT(log.count("in 0.0 s"), 3U) << "each delay is drawn, and three zeros are no draw";
    };
    co_await with_bench(body);
}

CO_TEST(handling, five_failures_make_a_dead_letter) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.fail_next = 100;
        co_await own.publish("cattle-aaaa", "r1");
        co_await own.consume_everything();
        EXPECT_EQ(own.fleet.restarts, 5);
        const auto dead = co_await own.messages.dead_letters();
        CO_ASSERT_EQ(dead.size(), 1U);
        EXPECT_EQ(dead[0].failures, 5);
    };
    co_await with_bench(body);
}

CO_TEST(handling, a_restart_that_a_dead_process_had_begun_is_found_done) {
    auto body = [](bench& own) -> coro<void> {
        co_await own.publish("cattle-aaaa", "r1");
        const delivery first = co_await own.pull_one();
        const std::string before = own.fleet.boot_id_now("cattle-aaaa");
        (void)co_await own.messages.intend(first.token, before);
        own.fleet.boot("cattle-aaaa");  // the host came back; the process died before it noted it
        co_await own.messages.expire_leases();
        co_await own.consume_everything();
        EXPECT_EQ(own.fleet.restarts, 0);
        EXPECT_EQ(own.counters.recovered, 1U);
        EXPECT_EQ((co_await own.messages.summarize(0)).acked, 1);
    };
    co_await with_bench(body);
}

CO_TEST(handling, an_intent_whose_restart_never_happened_is_carried_out) {
    auto body = [](bench& own) -> coro<void> {
        co_await own.publish("cattle-aaaa", "r1");
        const delivery first = co_await own.pull_one();
        (void)co_await own.messages.intend(first.token, own.fleet.boot_id_now("cattle-aaaa"));
        co_await own.messages.expire_leases();
        co_await own.consume_everything();
        EXPECT_EQ(own.fleet.restarts_done, 1);
        EXPECT_EQ((co_await own.messages.summarize(0)).acked, 1);
    };
    co_await with_bench(body);
}

CO_TEST(handling, a_superseded_delivery_changes_nothing) {
    auto body = [](bench& own) -> coro<void> {
        co_await own.publish("cattle-aaaa", "r1");
        handling late(own.at, co_await own.pull_one());
        co_await own.messages.expire_leases();
        co_await own.pull_and_handle();
        co_await late.run();
        EXPECT_EQ(own.fleet.restarts_done, 1);
        EXPECT_GE(own.counters.leases_lost, 1U);
    };
    co_await with_bench(body);
}

CO_TEST(handling, a_cancelled_message_is_given_back_and_is_no_failure) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 1min;
        co_await own.publish("cattle-aaaa", "r1");
        handling work(own.at, co_await own.pull_one());
        auto running = mayhem::create_task(work.run());
        co_await mayhem::sleep(5s);
        running.cancel();
        std::vector<mayhem::task_ref> only(1, running);
        co_await mayhem::wait(std::move(only));
        EXPECT_TRUE(running.is_cancelled());
        EXPECT_EQ(own.fleet.at_once, 0);
        const delivery next = co_await own.pull_one();
        EXPECT_EQ(next.failures, 0);
        EXPECT_EQ(next.number, 2);
        EXPECT_EQ(next.reached, stage::intended);
    };
    co_await with_bench(body);
}

CO_TEST(consumer, many_messages_are_handled_at_once_within_the_limits) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 10s;
        for (int number = 0; number < 9; ++number) {
            const auto& host = own.fleet.hosts()[static_cast<std::size_t>(number % 3)];
            co_await own.publish(host, fmt::format("r{}", number));
        }
        const auto before = mayhem::get_running_loop().time();
        co_await own.consume_everything();
        EXPECT_EQ(own.fleet.restarts_done, 9);
        EXPECT_EQ(own.fleet.at_once_max, 3);  // one a host
        EXPECT_LT(mayhem::get_running_loop().time() - before, 40s);
    };
    co_await with_bench(body);
}

CO_TEST(consumer, what_has_not_begun_is_given_back_at_the_shutdown) {
    auto body = [](bench& own) -> coro<void> {
        own.fleet.restart_takes = 10s;
        for (const auto& host : own.fleet.hosts()) co_await own.publish(host, "for " + host);
        auto only_permit = co_await own.permits.acquire_guard();
        std::vector<mayhem::guard<mayhem::semaphore>> others;
        while (own.permits.value() > 0) {
            auto one = co_await own.permits.acquire_guard();
            others.push_back(std::move(one));
        }
        consumer all(own.at);
        auto pulling = mayhem::create_task(all.run());
        co_await mayhem::sleep(1s);
        EXPECT_EQ(all.outstanding(), 3U);
        all.stop();
        EXPECT_EQ(all.cancel_waiting(), 3U);
        EXPECT_TRUE(co_await all.wait_until_idle(1min));
        co_await pulling;
        EXPECT_EQ(own.fleet.restarts, 0);
        EXPECT_EQ(own.counters.nacked, 3U);
        EXPECT_EQ((co_await own.messages.summarize(0)).outstanding, 3);
    };
    co_await with_bench(body);
}

CO_TEST(consumer, what_is_pulled_while_it_stops_is_given_back) {
    auto body = [](bench& own) -> coro<void> {
        for (const auto& host : own.fleet.hosts()) co_await own.publish(host, "for " + host);
        consumer all(own.at);
        auto pulling = mayhem::create_task(all.run());
        co_await mayhem::yield();
        all.stop();  // while the pull is under way
        co_await pulling;
        EXPECT_TRUE(co_await all.wait_until_idle(1s));
        EXPECT_EQ(own.fleet.restarts, 0);
        EXPECT_EQ(own.counters.nacked, 3U);
        EXPECT_FALSE((co_await own.messages.pull(3, 1s)).empty()) << "to be had at once";
    };
    co_await with_bench(body);
}

// Outside of the coroutine: g++ 12 cannot build an initializer list of strings inside one.
std::map<std::string, std::string> malformed_requests() {
    return {
        {"hello", "not JSON"},
        {"[1]", "not a JSON object"},
        {"{}", "\"host\" is missing"},
        {R"({"host":7})", "\"host\" must be a string"},
        {R"({"host":"cattle-zzzz"})", "unknown host"},
        {R"({"host":"cattle-aaaa","hots":"x"})", "unknown member \"hots\""},
    };
}

CO_TEST(intake, requests_are_checked_and_refusals_say_why) {
    auto body = [](bench& own) -> coro<void> {
        intake requests(own.at, 1);
        const auto refused = malformed_requests();
        for (const auto& [line, why] : refused) {
            const auto answer = co_await requests.accept(line, origin::request);
            CO_ASSERT_TRUE(!answer.has_value());
            EXPECT_NE(answer.error().find(why), std::string::npos) << answer.error();
        }
        const std::string good = R"({"host":"cattle-aaaa","id":"r1"})";
        const auto first = co_await requests.accept(good, origin::request);
        const auto second = co_await requests.accept(good, origin::request);
        CO_ASSERT_TRUE(first.has_value() && second.has_value());
        EXPECT_FALSE(first->duplicate);
        EXPECT_TRUE(second->duplicate);
        EXPECT_EQ(own.counters.rejected, refused.size());
    };
    co_await with_bench(body);
}

CO_TEST(intake, an_id_that_a_stranger_chose_cannot_forge_a_line_of_the_log) {
    auto body = [](bench& own) -> coro<void> {
        const mayhem::test::scratch_folder folder;
        const std::string socket = folder.file("socket");
        intake requests(own.at, 1);
        mayhem::testing::log_capture log;
        auto serving = mayhem::create_task(serve_requests(requests, socket));
        co_await mayhem::yield();
        auto client = co_await mayhem::unix_stream::connect(socket);
        const std::string line = R"({"host":"cattle-aaaa","id":"r1\n13:15:31,250 INFO: forged"})";
        co_await client.write_all(line + "\n");
        mayhem::line_reader answers(client);
        const auto answer = co_await answers.read_line();
        EXPECT_EQ(answer, R"({"duplicate":false,"id":"r1\n13:15:31,250 INFO: forged"})");
        log.expect(
            R"(INFO: Accepted request "r1\n13:15:31,250 INFO: forged" from another terminal)");
        co_await client.close();
        serving.cancel();
        std::vector<mayhem::task_ref> only(1, serving);
        co_await mayhem::wait(std::move(only));
    };
    co_await with_bench(body);
}

}  // namespace
}  // namespace mandrill
