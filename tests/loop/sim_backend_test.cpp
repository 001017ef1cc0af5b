// What the seed decides: delays, orders, short transfers, races of cancel and completion; and that
// the same seed decides the same. The contract of backends itself is tested with all the others, in
// backend_*_test.cpp.
#include "loop/sim_backend.hpp"

#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "tests/support/backend_driver.hpp"
#include "tests/support/descriptors.hpp"
#include "tests/support/scratch_folder.hpp"

namespace mayhem {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::uint64_t seeds = 200;

/// A backend with these options, for one test.
class simulation {
  public:
    explicit simulation(const sim_options& options) {
        driver.use(*sim_backend::create(driver.ready(), options));
    }
    [[nodiscard]] sim_backend& backend() { return *driver->simulation(); }

    backend_driver driver;
};

sim_options seeded(std::uint64_t seed) {
    sim_options options;
    options.seed = seed;
    return options;
}

TEST(sim_backend_test, an_operation_takes_virtual_time_and_no_real_time) {
    sim_options options = seeded(3);
    options.delay_max = 1h;
    simulation world(options);
    test_operation op;
    op.prepare_nop();
    world.driver->submit(op);
    world.driver.tick(wait::no);
    EXPECT_EQ(op.runs, 0);
    const time_point due = world.backend().next_completion();
    EXPECT_GT(due, sim_epoch);
    EXPECT_LE(due, sim_epoch + 1h);
    world.driver.wait_for([&] { return op.runs == 1; });
}

TEST(sim_backend_test, what_waits_for_others_has_no_next_moment) {
    simulation world(sim_options::rough(1));
    const auto [reader, writer] = make_pipe();
    text_buffer buffer;
    test_operation read;
    read.prepare_read(reader.get(), buffer.space());
    world.driver->submit(read);
    world.driver.tick(wait::no);
    EXPECT_EQ(world.backend().next_completion(), never);
    EXPECT_EQ(world.backend().waiting(), 1U);
    world.driver.finish_everything();
}

TEST(sim_backend_test, every_order_of_what_is_ready_together_is_seen) {
    std::set<std::vector<std::size_t>> orders;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        simulation world(seeded(seed));
        std::deque<test_operation> ops(3);
        std::vector<test_operation*> order;
        for (test_operation& op : ops) {
            op.order = &order;
            op.prepare_nop();
            world.driver->submit(op);
        }
        world.driver.wait_for([&] { return order.size() == ops.size(); });
        std::vector<std::size_t> found;
        for (const test_operation* op : order) {
            for (std::size_t index = 0; index < ops.size(); ++index) {
                if (&ops[index] == op) found.push_back(index);
            }
        }
        orders.insert(found);
    }
    EXPECT_EQ(orders.size(), 6U);
}

TEST(sim_backend_test, reads_of_one_descriptor_keep_their_order) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        simulation world(sim_options::rough(seed));
        const auto [near, far] = make_socket_pair();
        std::deque<test_operation> ops(4);
        std::deque<text_buffer<1>> bytes(4);
        for (std::size_t index = 0; index < ops.size(); ++index) {
            ops[index].prepare_recv(near.get(), bytes[index].space());
            world.driver->submit(ops[index]);
        }
        write_text(far.get(), "abcd");
        world.driver.wait_for([&] { return world.driver->in_flight() == 0; });
        std::string all;
        for (const auto& byte : bytes) all += byte.text(1);
        ASSERT_EQ(all, "abcd");
    }
}

TEST(sim_backend_test, transfers_are_cut_and_nothing_is_lost) {
    sim_options options = seeded(5);
    options.short_percent = 50;
    simulation world(options);
    const auto [near, far] = make_socket_pair();
    const std::string text = "a text that is longer than most of its pieces";
    std::string_view left = text;
    std::string received;
    std::set<int> counts;
    test_operation op;
    while (received.size() < text.size()) {
        if (!left.empty()) {
            op.prepare_send(near.get(), bytes_of(left));
            left.remove_prefix(static_cast<std::size_t>(world.driver.complete(op)));
        }
        text_buffer<8> buffer;
        op.prepare_recv(far.get(), buffer.space());
        const int count = world.driver.complete(op);
        ASSERT_GT(count, 0);
        counts.insert(count);
        received += buffer.text(count);
    }
    EXPECT_EQ(received, text);
    EXPECT_GT(counts.size(), 1U);
}

TEST(sim_backend_test, a_cancel_races_with_the_completion_and_both_may_win) {
    int delivered = 0;
    int cancelled = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        simulation world(sim_options::rough(seed));
        const auto [near, far] = make_socket_pair();
        text_buffer<4> buffer;
        test_operation receive;
        receive.prepare_recv(near.get(), buffer.space());
        world.driver->submit(receive);
        write_text(far.get(), "data");
        if (seed % 2 == 0) world.driver.tick(wait::no);
        world.driver->cancel(receive);
        world.driver.wait_for([&] { return receive.runs > 0; });
        world.driver.tick(wait::no);
        ASSERT_EQ(receive.runs, 1);
        std::string seen = buffer.text(receive.result);
        if (receive.result == -ECANCELED) {
            ++cancelled;
        } else {
            ++delivered;
        }
        // What the cancelled one did not take is there for the next.
        while (seen.size() < 4) {
            receive.prepare_recv(near.get(), buffer.space());
            seen += buffer.text(world.driver.complete(receive));
        }
        ASSERT_EQ(seen, "data");
    }
    EXPECT_GT(delivered, 0);
    EXPECT_GT(cancelled, 0);
}

TEST(sim_backend_test, a_multishot_accept_may_end_early_with_a_connection) {
    sim_options options = seeded(1);
    options.end_multishot_percent = 100;
    simulation world(options);
    const auto listener = make_tcp_listener();
    const unique_fd client = connect_to(listener);
    test_operation accept;
    accept.prepare_accept(listener.fd.get(), true);
    world.driver->submit(accept);
    world.driver.wait_for([&] { return !accept.ended_with.empty(); });
    EXPECT_TRUE(accept.shots.empty());
    const unique_fd server(accept.ended_with.front());
    EXPECT_TRUE(kernel::is_simulated(server.get()));
    EXPECT_EQ(accept.state, operation_state::idle);
}

TEST(sim_backend_test, an_owner_that_starts_again_from_its_last_shot_does_not_hold_the_poll) {
    class stubborn final : public operation {
      public:
        explicit stubborn(mayhem::backend& on) : on_(on) {}
        void run() noexcept override {}
        void on_shot(std::int32_t, bool more) noexcept override {
            ++shots;
            if (!more && !tired) on_.submit(*this);
        }
        int shots = 0;
        bool tired = false;

      private:
        mayhem::backend& on_;
    };
    sim_options options = seeded(1);
    options.faults = {{.call = sim_call::accept, .error = ECONNABORTED}};
    simulation world(options);
    const auto listener = make_tcp_listener();
    const unique_fd client = connect_to(listener);
    stubborn accept(*world.driver);
    accept.prepare_accept(listener.fd.get(), true);
    world.driver->submit(accept);
    for (int turn = 1; turn <= 3; ++turn) {
        world.driver.tick(wait::yes);
        EXPECT_EQ(accept.shots, turn);
    }
    accept.tired = true;
    world.driver.finish_everything();
}

TEST(sim_backend_test, a_hanging_connect_goes_on_when_the_queue_has_room) {
    simulation world(sim_options::rough(4));
    const auto listener = make_tcp_listener(SOCK_NONBLOCK, 0);
    const unique_fd first = connect_to(listener);
    const unique_fd second = make_tcp_socket();
    test_operation connect;
    connect.prepare_connect(second.get(), listener.where(), listener.length);
    world.driver->submit(connect);
    world.driver.tick(wait::no);
    EXPECT_EQ(world.backend().waiting(), 1U);
    const unique_fd server(kernel::accept4(listener.fd.get(), nullptr, nullptr, 0));
    world.driver.wait_for([&] { return connect.runs == 1; });
    EXPECT_EQ(connect.result, 0);
}

TEST(sim_backend_test, files_are_real_and_fail_as_a_scenario_asks) {
    scratch_folder folder;
    const std::string path = folder.file("file");
    sim_options options = seeded(1);
    options.faults = {{.call = sim_call::file_write, .error = ENOSPC, .skip = 1},
                      {.call = sim_call::fsync, .error = EIO}};
    simulation world(options);
    test_operation op;
    op.prepare_openat(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT, 0600);
    const unique_fd file(world.driver.complete(op));
    ASSERT_TRUE(file);
    EXPECT_FALSE(kernel::is_simulated(file.get()));
    op.prepare_write(file.get(), bytes_of("kept"));
    EXPECT_EQ(world.driver.complete(op), 4);
    op.prepare_write(file.get(), bytes_of("lost"));
    EXPECT_EQ(world.driver.complete(op), -ENOSPC);
    op.prepare_fsync(file.get());
    EXPECT_EQ(world.driver.complete(op), -EIO);
    text_buffer buffer;
    op.prepare_read(file.get(), buffer.space(), 0);
    EXPECT_EQ(buffer.text(world.driver.complete(op)), "kept");
}

/// Some bytes through a pipe, with everything that a rough kernel does.
sim_report run_with(std::uint64_t seed) {
    sim_report report;
    sim_options options = sim_options::rough(seed);
    options.report = &report;
    simulation world(options);
    const auto [near, far] = make_socket_pair();
    std::deque<test_operation> ops(10);
    std::deque<text_buffer<>> buffers(10);
    for (std::size_t index = 0; index < ops.size(); ++index) {
        if (index % 2 == 0) ops[index].prepare_send(near.get(), bytes_of("some bytes"));
        if (index % 2 == 1) ops[index].prepare_recv(far.get(), buffers[index].space());
        world.driver->submit(ops[index]);
    }
    world.driver.tick(wait::yes);
    world.driver->cancel(ops[9]);
    while (world.backend().next_completion() != never) world.driver.tick(wait::yes);
    world.driver.finish_everything();
    return report;
}

TEST(sim_backend_test, a_seed_reproduces_a_run_exactly_and_another_does_not) {
    std::set<std::string> different;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const sim_report once = run_with(seed);
        const sim_report again = run_with(seed);
        EXPECT_EQ(once.to_string(), again.to_string());
        EXPECT_EQ(once.events, again.events);
        EXPECT_GT(once.events.size(), 5U);
        different.insert(once.to_string());
    }
    EXPECT_EQ(different.size(), 20U);
}

TEST(sim_backend_test, the_seed_comes_from_the_environment_unless_it_is_given) {
    const char* const before = std::getenv("MAYHEM_SEED");
    const std::string kept = before != nullptr ? before : "";
    ::setenv("MAYHEM_SEED", "42", 1);
    EXPECT_EQ(sim_faults(sim_options()).seed(), 42U);
    EXPECT_EQ(sim_faults(seeded(7)).seed(), 7U);
    ::unsetenv("MAYHEM_SEED");
    EXPECT_EQ(sim_faults(sim_options()).seed(), 1U);
    if (before != nullptr) ::setenv("MAYHEM_SEED", kept.c_str(), 1);
}

}  // namespace
}  // namespace mayhem
