// Programs on the simulated kernel: over hundreds of seeds, twice with the same one, and with every
// call failing once. Each scenario checks itself: what was sent is what arrived, and nothing is
// left.
#include <cerrno>
#include <chrono>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "loop/kernel.hpp"
#include "loop/sim_backend.hpp"
#include "tasks/executor.hpp"
#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/tasks/io/io_support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::test;
using namespace std::chrono_literals;

constexpr std::uint64_t seeds = 200;

std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::byte>(at * 31 % 251);
    return bytes;
}

// ---- Scenarios ----------------------------------------------------------------------------

coro<void> echo_once(tcp_listener& listener) {
    tcp_stream peer = co_await listener.accept();
    line_reader lines(peer);
    for (;;) {
        auto line = co_await lines.read_line();
        if (!line) co_return;
        co_await peer.write_all(*line + "!\n");
    }
}

coro<void> talk(address where, int number) {
    tcp_stream stream = co_await tcp_stream::connect(where);
    line_reader lines(stream);
    for (int round = 0; round < 3; ++round) {
        const std::string word = std::to_string(number) + "-" + std::to_string(round);
        co_await stream.write_all(word + "\n");
        EXPECT_EQ(co_await lines.read_line(), word + "!");
    }
    stream.shutdown_write();
    EXPECT_EQ(co_await lines.read_line(), std::nullopt);
}

coro<void> echo() {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    const address where = listener.local_address();
    auto everybody = [&](task_group& group) -> coro<void> {
        for (int number = 0; number < 4; ++number) group.create_task(echo_once(listener));
        for (int number = 0; number < 4; ++number) group.create_task(talk(where, number));
        co_return;
    };
    co_await with_task_group(everybody);
    co_await listener.close();
}

template <typename Writer>
coro<void> send_pattern(Writer& stream, std::size_t size) {
    const auto bytes = pattern(size);
    co_await stream.write_all(bytes);
}

template <typename Reader>
coro<void> expect_pattern(Reader& stream, std::size_t size) {
    std::vector<std::byte> bytes(size);
    co_await stream.read_exactly(bytes);
    EXPECT_TRUE(bytes == pattern(size));
}

coro<void> back_pressure() {
    constexpr std::size_t size = 100'000;
    auto [left, right] = unix_stream::pair();
    auto [reader, writer] = make_pipe();
    auto everybody = [&](task_group& group) -> coro<void> {
        group.create_task(send_pattern(left, size));
        group.create_task(send_pattern(right, size));
        group.create_task(send_pattern(writer, size));
        group.create_task(expect_pattern(left, size));
        group.create_task(expect_pattern(right, size));
        group.create_task(expect_pattern(reader, size));
        co_return;
    };
    co_await with_task_group(everybody);
}

coro<void> read_portion(unix_stream& from, std::string& into) {
    text_space buffer;
    const std::size_t count = co_await from.read_some(buffer.room());
    if (count == 0) throw std::runtime_error("the stream ended");
    into += buffer.text(count);
}

coro<void> cancel_in_flight() {
    auto [left, right] = unix_stream::pair();
    std::string received;
    std::string sent;
    auto body = [&](task_group& group) -> coro<void> {
        for (int round = 0; round < 10; ++round) {
            auto reader = group.create_task(read_portion(left, received));
            if (round % 3 != 0) co_await mayhem::sleep(1ms);
            const std::string text = std::to_string(round) + ",";
            sent += text;
            if (round % 2 == 0) co_await right.write_all(text);
            reader.cancel();
            if (round % 2 == 1) co_await right.write_all(text);
            co_await ends_cancelled(reader);
        }
    };
    co_await with_task_group(body);
    while (received.size() < sent.size()) co_await read_portion(left, received);
    EXPECT_EQ(received, sent);
}

coro<void> timeouts_against_results() {
    auto [left, right] = unix_stream::pair();
    std::string received;
    auto send_later = [&]() -> coro<> {
        co_await mayhem::sleep(2ms);
        co_await right.write_all("x");
    };
    auto body = [&](task_group& group) -> coro<void> {
        group.create_task(send_later());
        while (received.empty()) {
            auto one_read = read_portion(left, received);
            try {
                co_await wait_for(std::move(one_read), 1ms);
            } catch (const timeout_error&) {
            }
        }
    };
    co_await with_task_group(body);
    EXPECT_EQ(received, "x");
}

coro<void> datagrams() {
    udp_socket server = udp_socket::bind(address::loopback(0));
    udp_socket client = udp_socket::connect(server.local_address());
    for (int round = 0; round < 5; ++round) {
        const std::string text = std::to_string(round);
        co_await client.send(bytes_of(text));
        text_space buffer;
        const datagram got = co_await server.receive_from(buffer.room());
        EXPECT_EQ(buffer.text(got.size), text);
        co_await server.send_to(bytes_of("ok"), got.from);
        EXPECT_EQ((co_await client.receive_from(buffer.room())).size, 2U);
    }
}

coro<void> unix_sockets_and_files() {
    scratch_folder folder;
    unix_listener listener = unix_listener::bind(folder.file("socket"));
    unix_stream client;
    unix_stream server;
    auto connect = [&]() -> coro<> { client = co_await unix_stream::connect(listener.path()); };
    auto meet = [&](task_group& group) -> coro<void> {
        group.create_task(connect());
        server = co_await listener.accept();
    };
    co_await with_task_group(meet);
    co_await client.write_all("kept");
    text_space buffer;
    co_await server.read_exactly(buffer.room().first(4));
    file note = co_await file::open(folder.file("note"), O_RDWR | O_CREAT);
    co_await note.write_all(buffer.text(4));
    co_await note.sync();
    EXPECT_EQ(co_await note.size(), 4U);
    auto twice = [](int number) { return 2 * number; };
    EXPECT_EQ(co_await to_thread(twice, 21), 42);
    co_await note.close();
    co_await listener.close();
}

struct scenario {
    const char* name;
    coro<void> (*body)();
};
constexpr scenario scenarios[] = {
    {"echo", echo},
    {"back_pressure", back_pressure},
    {"cancel_in_flight", cancel_in_flight},
    {"timeouts_against_results", timeouts_against_results},
    {"datagrams", datagrams},
    {"unix_sockets_and_files", unix_sockets_and_files},
};

/// For tools/conformance.py: which backend this test is about.
void record_sim() { ::testing::Test::RecordProperty("backends", "sim"); }

/// Runs a body and checks that it left nothing behind. @returns what it threw, if anything
std::string run_on(const sim_options& options, coro<void> (*body)()) {
    const std::size_t before = mayhem::testing::open_descriptors();
    std::string failure;
    {
        run_options how = mayhem::testing::test_options(backend_kind::sim);
        how.loop.sim = options;
        runner own(how);
        own.loop().set_exception_handler([](event_loop&, const exception_context&) {});
        try {
            own.run(body());
        } catch (const std::exception&) {
            failure = describe_exception(std::current_exception());
        }
    }
    EXPECT_EQ(mayhem::testing::open_descriptors(), before) << "descriptors were leaked";
    return failure;
}

// ---- Seeds --------------------------------------------------------------------------------

TEST(sim, every_scenario_holds_over_hundreds_of_seeds) {
    for (const scenario& each : scenarios) {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            SCOPED_TRACE(std::string(each.name) + " with seed " + std::to_string(seed));
            EXPECT_EQ(run_on(sim_options::rough(seed), each.body), "");
            if (HasFailure()) return;
        }
    }
}

TEST(sim, the_same_seed_is_the_same_run_to_the_nanosecond) {
    for (const scenario& each : scenarios) {
        std::set<std::string> runs;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            SCOPED_TRACE(std::string(each.name) + " with seed " + std::to_string(seed));
            sim_report first;
            sim_report second;
            sim_options options = sim_options::rough(seed);
            options.report = &first;
            run_on(options, each.body);
            options.report = &second;
            run_on(options, each.body);
            EXPECT_GT(first.events.size(), 3U);
            EXPECT_EQ(first.to_string(), second.to_string());
            runs.insert(first.to_string());
        }
        EXPECT_EQ(runs.size(), 10U) << each.name << ": the seed has no influence";
    }
}

TEST(sim, no_real_time_passes) {
    auto long_sleep = []() -> coro<> {
        co_await mayhem::sleep(24h);
        auto job = [] { return 1; };
        co_await to_thread(job);
    };
    sim_options options;
    options.delay_max = 1h;
    const auto before = std::chrono::steady_clock::now();
    run_options how = mayhem::testing::test_options(backend_kind::sim);
    how.loop.sim = options;
    how.loop.virtual_clock = false;  // it is virtual all the same
    runner(how).run(long_sleep());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

// ---- Misfortune ---------------------------------------------------------------------------

TEST(sim, any_call_may_fail_and_nothing_leaks_or_hangs) {
    const mayhem::testing::log_capture log(log_level::warning);
    for (const scenario& each : scenarios) {
        sim_report counted;
        sim_options options = sim_options::rough(1);
        options.report = &counted;
        ASSERT_EQ(run_on(options, each.body), "") << each.name;
        ASSERT_GT(counted.calls, 1U);
        for (std::size_t call = 1; call <= std::min<std::size_t>(counted.calls, 60); ++call) {
            SCOPED_TRACE(std::string(each.name) + ", call " + std::to_string(call));
            sim_report report;
            options.report = &report;
            options.fail_call = call;
            static_cast<void>(run_on(options, each.body));
            EXPECT_NE(report.failed_call, "");
        }
    }
}

TEST(sim, an_acceptor_survives_a_shortage_of_descriptors) {
    record_sim();
    const mayhem::testing::log_capture log(log_level::warning);
    sim_options options = sim_options::rough(3);
    options.faults = {{.call = sim_call::accept, .error = EMFILE, .times = 5},
                      {.call = sim_call::accept, .error = ECONNABORTED, .percent = 50}};
    EXPECT_EQ(run_on(options, echo), "");
    EXPECT_EQ(log.count("no new connections"), 1U);
}

TEST(sim, a_refused_connect_and_a_full_disk_are_told) {
    sim_options options;
    options.faults = {{.call = sim_call::connect, .error = ECONNREFUSED}};
    EXPECT_NE(run_on(options, unix_sockets_and_files).find("Connection refused"),
              std::string::npos);
    options.faults = {{.call = sim_call::file_write, .error = ENOSPC}};
    EXPECT_NE(run_on(options, unix_sockets_and_files).find("No space left"), std::string::npos);
}

TEST(sim, waiting_for_a_peer_that_never_speaks_is_a_deadlock_and_said) {
    auto wait_in_vain = []() -> coro<> {
        auto [left, right] = unix_stream::pair();
        text_space buffer;
        co_await left.read_some(buffer.room());
    };
    run_options how = mayhem::testing::test_options(backend_kind::sim);
    EXPECT_THROW(runner(how).run(wait_in_vain()), deadlock);
}

TEST(sim, jobs_of_an_executor_run_on_the_loops_thread_one_at_a_time_and_are_not_lost) {
    int running = 0;
    int done = 0;
    const auto here = std::this_thread::get_id();
    auto job = [&] {
        EXPECT_EQ(std::this_thread::get_id(), here);
        EXPECT_EQ(++running, 1);
        --running;
        ++done;
    };
    auto start_and_leave = [&]() -> coro<> {
        auto first = create_task(run_in_executor(job));
        co_await run_in_executor(job);
        co_await first;
        create_task(run_in_executor(job));
        co_await yield();
    };
    sim_options options;
    options.delay_max = 1s;
    run_options how = mayhem::testing::test_options(backend_kind::sim);
    how.loop.sim = options;
    runner(how).run(start_and_leave());
    EXPECT_EQ(done, 3) << "a job that was submitted runs, whatever becomes of its waiter";
}

TEST(sim, jobs_of_a_pool_start_in_their_order) {
    thread_pool_executor pool(1);
    std::vector<int> order;
    std::vector<int> expected;
    auto job = [&](int number) { order.push_back(number); };
    auto start_many = [&]() -> coro<> {
        auto body = [&](task_group& group) -> coro<> {
            for (int number = 0; number < 20; ++number) {
                expected.push_back(number);
                group.create_task(mayhem::detail::as_coro(run_in_executor(pool, job, number)));
            }
            co_return;
        };
        co_await with_task_group(body);
    };
    run_options how = mayhem::testing::test_options(backend_kind::sim);
    how.loop.sim.delay_max = 1s;
    runner(how).run(start_many());
    EXPECT_EQ(order, expected);
}

TEST(sim, a_job_whose_loop_closed_is_inert_and_takes_nobodys_turn) {
    record_sim();
    thread_pool_executor pool(1);
    int first_ran = 0;
    auto first = [&] { return ++first_ran; };
    {
        loop_options options;
        options.backend = backend_kind::sim;
        event_loop loop(options);
        loop.set_exception_handler([](event_loop&, const exception_context&) {});
        create_task(loop, mayhem::detail::as_coro(run_in_executor(pool, first)));
        loop.stop();
        loop.run_forever();
    }
    auto second = [&] { return first_ran; };
    auto body = [&]() -> coro<int> { co_return co_await run_in_executor(pool, second); };
    EXPECT_EQ(runner(mayhem::testing::test_options(backend_kind::sim)).run(body()), 0);
    EXPECT_TRUE(pool.shutdown());
    EXPECT_EQ(first_ran, 1);
}

}  // namespace
