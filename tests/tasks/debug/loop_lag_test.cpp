// How late the loop is, and StatsD's lines, received by a real socket on every backend.
#include "tasks/debug/loop_lag.hpp"

#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <span>
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

/// A StatsD server as far as its socket.
class receiver {
  public:
    [[nodiscard]] address where() const { return socket_.local_address(); }
    coro<std::string> line() {
        std::array<std::byte, 512> buffer{};
        const datagram got = co_await socket_.receive_from(buffer);
        co_return std::string(reinterpret_cast<const char*>(buffer.data()), got.size);
    }
    coro<void> close() { return socket_.close(); }

  private:
    udp_socket socket_ = udp_socket::bind(address::loopback(0));
};

coro<> stop(task<> monitor) {
    monitor.cancel();
    CO_EXPECT_THROW(co_await monitor, cancelled);
}

CO_TEST(statsd, every_kind_of_figure_is_one_line_in_one_datagram) {
    receiver server;
    statsd_client client(server.where(), "mandrill.");
    co_await client.gauge("queue", 12.5);
    EXPECT_EQ(co_await server.line(), "mandrill.queue:12.5|g");
    co_await client.gauge("queue", 3);
    EXPECT_EQ(co_await server.line(), "mandrill.queue:3|g");
    co_await client.gauge("balance", -2);
    EXPECT_EQ(co_await server.line(), "mandrill.balance:0|g\nmandrill.balance:-2|g");
    co_await client.timing("save", 36610us);
    EXPECT_EQ(co_await server.line(), "mandrill.save:36.610|ms");
    co_await client.count("restart", 3);
    EXPECT_EQ(co_await server.line(), "mandrill.restart:3|c");
}

CO_TEST(statsd, a_name_cannot_break_the_line) {
    receiver server;
    statsd_client client(server.where());
    co_await client.count("a:b|c@d\ne");
    EXPECT_EQ(co_await server.line(), "a_b_c_d_e:1|c");
}

CO_TEST(statsd, a_server_that_is_not_there_disturbs_nobody) {
    address where;
    {
        const receiver gone;
        where = gone.where();
    }
    statsd_client client(where);
    for (int times = 0; times < 3; ++times) co_await client.count("lost");
}

CO_TEST(loop_lag, goes_to_statsd_with_the_number_of_tasks) {
    receiver server;
    auto other = create_task(sleep_long());
    auto monitor = monitor_loop_lag(statsd_client(server.where(), "app."), 250ms);
    EXPECT_EQ(co_await server.line(), "app.loop_lag:0.000|ms");  // virtual time waits for nobody
    EXPECT_EQ(co_await server.line(), "app.tasks:2|g");          // this test, and the other
    EXPECT_EQ(co_await server.line(), "app.loop_lag:0.000|ms");
    co_await stop(monitor);
    co_await stop(other);
}

CO_TEST(loop_lag, is_measured_at_each_interval_until_cancelled) {
    std::vector<loop_lag> samples;
    const auto collect = [&](const loop_lag& sample) { samples.push_back(sample); };
    auto monitor = monitor_loop_lag(collect, 100ms);
    EXPECT_EQ(monitor.name(), "loop-lag");
    co_await mayhem::sleep(350ms);
    EXPECT_EQ(samples.size(), 3U);
    co_await stop(monitor);
    co_await mayhem::sleep(1s);
    EXPECT_EQ(samples.size(), 3U);
}

CO_TEST(loop_lag, an_interval_of_nothing_is_refused) {
    const auto ignore = [](const loop_lag&) {};
    CO_EXPECT_THROW(monitor_loop_lag(ignore, 0s), std::invalid_argument);
    co_return;
}

/// Holds the loop until a timer that is set now for `interval` is late by `lag`.
coro<> hold_the_loop(duration interval, duration lag) {
    const event_loop& loop = get_running_loop();
    const time_point until = loop.time() + interval + lag;
    while (loop.time() < until) continue;
    co_return;
}

TEST(loop_lag, a_step_that_holds_the_loop_is_seen_in_real_time) {
    for_each_real_backend("time is real here", [](backend_kind kind) {
        run_options options = test_options(kind);
        options.loop.virtual_clock = false;
        auto body = []() -> coro<> {
            duration longest{};
            const auto collect = [&](const loop_lag& sample) {
                longest = std::max(longest, sample.lag);
            };
            auto monitor = monitor_loop_lag(collect, 1ms);
            co_await yield();  // the monitor's timer is set
            co_await hold_the_loop(1ms, 20ms);
            co_await mayhem::sleep(1ms);
            EXPECT_GE(longest, 20ms);
            co_await stop(monitor);
        };
        run(body(), options);
    });
}

}  // namespace
