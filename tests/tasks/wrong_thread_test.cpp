// Debug mode refuses calls from other threads, at the call site: a table of every entry point that
// is not thread-safe. What is missing here only looks, or is thread-safe, or is a coroutine, which
// does nothing until a task of the loop awaits it.
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

struct entry_point {
    std::string name;  // as the refusal names it
    std::function<void()> call;
};

class idle_timer final : public timer {
  public:
    void run() noexcept override {}
};

class idle_operation final : public operation {
  public:
    void run() noexcept override {}
};

/// Things of one loop, each used on it once, so that debug mode knows whose they are.
struct belongings {
    event_loop& loop = get_running_loop();
    task<> running = create_task(sleep_long(), "running");
    promise<int> provider;
    future<int> awaited = provider.get_future();
    handle alarm = loop.call_later(1h, [] {});
    event flag;
    lock mutex;
    semaphore permits{2};
    condition changed;
    barrier meeting{2};
    queue<int> items;
    timeout_scope* limit = nullptr;
    task_group* group = nullptr;
    udp_socket socket = udp_socket::bind(address::loopback(0));
    address socket_name = socket.local_address();
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    std::array<std::byte, 8> buffer{};
    idle_timer timer;
    idle_operation operation;

    void use_everything() {
        flag.clear();
        EXPECT_TRUE(mutex.acquire_nowait());
        mutex.release();
        EXPECT_TRUE(permits.acquire_nowait());
        permits.release();
        EXPECT_TRUE(changed.acquire().operator co_await().await_ready());
        changed.notify();
        changed.release();
        meeting.wait().close();
        items.put_nowait(1);
        items.get_nowait();
        items.task_done();
    }
};

std::vector<entry_point> loop_entry_points(belongings& own) {
    event_loop& loop = own.loop;
    return {
        {"call_soon", [&] { loop.call_soon([] {}); }},
        {"call_later", [&] { loop.call_later(1s, [] {}); }},
        {"call_at", [&] { loop.call_at(loop.time(), [] {}); }},
        {"stop", [&] { loop.stop(); }},
        {"add_signal_handler", [&] { loop.add_signal_handler(SIGUSR1, [](int) {}); }},
        {"remove_signal_handler", [&] { loop.remove_signal_handler(SIGUSR1); }},
        {"set_exception_handler", [&] { loop.set_exception_handler({}); }},
        {"submit", [&] { loop.submit(own.operation); }},
        {"arm_timer", [&] { loop.arm_timer(own.timer, loop.time()); }},
        {"handle.cancel", [&] { own.alarm.cancel(); }},
        {"a handle's copying", [&] { const handle copy = own.alarm; }},
    };
}

std::vector<entry_point> task_entry_points(belongings& own) {
    return {
        {"create_task", [&] { create_task(own.loop, ticks(1)); }},
        {"all_tasks", [&] { static_cast<void>(all_tasks(own.loop)); }},
        {"task.cancel", [&] { own.running.cancel(); }},
        {"task.uncancel", [&] { own.running.uncancel(); }},
        {"task.set_name", [&] { own.running.set_name("stolen"); }},
        {"task.get_stack", [&] { static_cast<void>(own.running.get_stack()); }},
        {"task.format_stack", [&] { static_cast<void>(own.running.format_stack()); }},
        {"add_done_callback", [&] { own.running.add_done_callback([] {}); }},
        {"promise.set_value", [&] { own.provider.set_value(1); }},
        {"promise.set_exception",
         [&] { own.provider.set_exception(std::make_exception_ptr(std::runtime_error(""))); }},
        {"future.cancel", [&] { own.awaited.cancel(); }},
        {"add_done_callback", [&] { own.awaited.add_done_callback([] {}); }},
        {"timeout_scope.reschedule", [&] { own.limit->reschedule({}); }},
        {"task_group.create_task", [&] { own.group->create_task(ticks(1)); }},
    };
}

std::vector<entry_point> sync_entry_points(belongings& own) {
    return {
        {"event.set", [&] { own.flag.set(); }},
        {"event.clear", [&] { own.flag.clear(); }},
        {"event.wait", [&] { static_cast<void>(own.flag.wait()); }},
        {"lock.acquire", [&] { static_cast<void>(own.mutex.acquire()); }},
        {"lock.acquire_guard", [&] { static_cast<void>(own.mutex.acquire_guard()); }},
        {"lock.acquire_nowait", [&] { static_cast<void>(own.mutex.acquire_nowait()); }},
        {"lock.release", [&] { own.mutex.release(); }},
        {"semaphore.acquire", [&] { static_cast<void>(own.permits.acquire()); }},
        {"semaphore.acquire_guard", [&] { static_cast<void>(own.permits.acquire_guard()); }},
        {"semaphore.acquire_nowait", [&] { static_cast<void>(own.permits.acquire_nowait()); }},
        {"semaphore.release", [&] { own.permits.release(); }},
        {"lock.acquire", [&] { static_cast<void>(own.changed.acquire()); }},
        {"lock.release", [&] { own.changed.release(); }},
        {"condition.notify", [&] { own.changed.notify(); }},
        {"condition.notify", [&] { own.changed.notify_all(); }},
        {"barrier.wait", [&] { own.meeting.wait().close(); }},
        {"barrier.reset", [&] { own.meeting.reset().close(); }},
        {"barrier.abort", [&] { own.meeting.abort().close(); }},
        {"queue.get", [&] { static_cast<void>(own.items.get()); }},
        {"queue.put", [&] { static_cast<void>(own.items.put(1)); }},
        {"queue.get_nowait", [&] { own.items.get_nowait(); }},
        {"queue.put_nowait", [&] { own.items.put_nowait(1); }},
        {"queue.task_done", [&] { own.items.task_done(); }},
        {"queue.join", [&] { static_cast<void>(own.items.join()); }},
        {"queue.shutdown", [&] { own.items.shutdown(); }},
    };
}

std::vector<entry_point> io_entry_points(belongings& own) {
    return {
        {"recvmsg on descriptor", [&] { static_cast<void>(own.socket.receive_from(own.buffer)); }},
        {"sendmsg on descriptor",
         [&] { static_cast<void>(own.socket.send_to(own.buffer, own.socket_name)); }},
        {"accept", [&] { static_cast<void>(own.listener.accept()); }},
    };
}

/// These take the loop of the calling thread, and there is none, debug mode or not.
std::vector<entry_point> entry_points_of_the_running_loop(belongings& own) {
    const std::string refusal = "no running event loop";
    return {
        {refusal, [] { create_task(ticks(1)); }},
        {refusal, [] { promise<int>(); }},
        {refusal, [&] { static_cast<void>(gather(own.running)); }},
        {refusal, [&] { static_cast<void>(shield(own.running)); }},
        {refusal, [] { static_cast<void>(all_tasks()); }},
        {refusal, [] { udp_socket::bind(address::loopback(0)); }},
        {refusal, [] { tcp_listener::bind(address::loopback(0)); }},
    };
}

/// Calls everything; @returns what was not refused as it should be.
std::string trespass(const std::vector<entry_point>& table, const std::string& owner) {
    std::string wrong;
    for (const entry_point& entry : table) {
        std::string refusal = "it was not refused";
        try {
            entry.call();
        } catch (const loop_error& error) {
            refusal = error.what();
        } catch (const std::exception& error) {
            refusal = std::string("another exception: ") + error.what();
        }
        const bool has_no_loop = entry.name == "no running event loop";
        const std::string mine = fmt::format("thread {} '", ::gettid());
        const bool names_entry = refusal.find(entry.name) != std::string::npos;
        const bool names_threads =
            refusal.find(mine) != std::string::npos && refusal.find(owner) != std::string::npos;
        if (!names_entry || (!has_no_loop && !names_threads)) {
            wrong += entry.name + ": " + refusal + "\n";
        }
    }
    return wrong;
}

template <typename... Tables>
std::vector<entry_point> joined(Tables... tables) {
    std::vector<entry_point> all;
    (all.insert(all.end(), tables.begin(), tables.end()), ...);
    return all;
}

coro<> trespass_everywhere(belongings& own) {
    const auto table =
        joined(loop_entry_points(own), task_entry_points(own), sync_entry_points(own),
               io_entry_points(own), entry_points_of_the_running_loop(own));
    const std::string owner = fmt::format("thread {} '", ::gettid());
    auto elsewhere = [&] { return trespass(table, owner); };
    EXPECT_EQ(co_await in_thread(elsewhere), "");
}

coro<> with_limit_and_group(belongings& own, timeout_scope& limit) {
    own.limit = &limit;
    auto in_group = [&own](task_group& group) -> coro<> {
        own.group = &group;
        co_await trespass_everywhere(own);
    };
    co_await with_task_group(in_group);
}

CO_TEST(wrong_thread, every_entry_point_is_refused_in_debug_mode_and_names_both_threads) {
    skip_check(check::never_awaited);  // what was given to a refused call
    get_running_loop().set_debug(true);
    set_log_level(log_level::warning);
    belongings own;
    own.use_everything();
    timeout_scope limit;
    co_await limit.run(with_limit_and_group(own, limit));
    own.alarm.cancel();
    own.running.cancel();
    CO_EXPECT_THROW(co_await own.running, cancelled);
    EXPECT_FALSE(own.flag.is_set());
    EXPECT_EQ(own.permits.value(), 2U);
    co_await own.socket.close();
    co_await own.listener.close();
    set_log_level(log_level::info);
}

CO_TEST(wrong_thread, a_guard_that_ends_there_is_logged_and_gives_nothing_back) {
    const log_capture log;
    get_running_loop().set_debug(true);
    lock mutex;
    auto held = std::make_unique<guard<lock>>(co_await mutex.acquire_guard());
    auto drop = [&] { held.reset(); };
    co_await in_thread(drop);
    EXPECT_TRUE(mutex.locked());
    EXPECT_EQ(log.count("ERROR: Non-thread-safe operation"), 1U);
    EXPECT_EQ(log.count("guard.release was called on thread"), 1U);
    mutex.release();
}

/// A handle whose end is refused keeps its callback for ever. Leak checkers find it here.
void expect_to_lose(const handle& dropped) {
    static auto* const lost = new std::vector<void*>;
    static_assert(sizeof(handle) == sizeof(void*));
    std::memcpy(&lost->emplace_back(), static_cast<const void*>(&dropped), sizeof(void*));
}

CO_TEST(wrong_thread, a_handle_that_ends_there_is_logged_also_when_its_callback_has_run) {
    const log_capture log;
    event_loop& loop = get_running_loop();
    loop.set_debug(true);
    auto waiting = std::make_unique<handle>(loop.call_later(1h, [] {}));
    auto done = std::make_unique<handle>(loop.call_soon([] {}));
    co_await ticks(2);
    handle alarm = *waiting;  // so that the loop is not the only one to count
    expect_to_lose(*waiting);
    expect_to_lose(*done);
    auto drop = [&] {
        waiting.reset();
        done.reset();
    };
    co_await in_thread(drop);
    EXPECT_EQ(log.count("a handle's destruction was called on thread"), 2U);
    alarm.cancel();
}

TEST(wrong_thread, a_handle_copied_on_another_loop_while_its_own_is_idle_stays_at_home) {
    for_each_backend([](backend_kind kind) {
        const log_capture log;
        loop_options options = test_options(kind).loop;
        options.debug = true;
        options.stall_watchdog = 0s;
        event_loop loop(options);
        handle alarm = loop.call_later(1h, [] {});
        std::latch copied(1);
        std::latch ended(1);
        const auto copy_and_stay = [&]() -> coro<> {
            {
                const handle copy = alarm;
            }
            copied.count_down();
            ended.wait();
            co_return;
        };
        run_options there = test_options(kind);
        there.loop = options;
        std::thread other([&] { run(invoke(copy_and_stay), there); });
        copied.wait();
        loop.call_soon([&] {
            EXPECT_NO_THROW(const handle copy = alarm);
            loop.stop();
        });
        loop.run_forever();
        ended.count_down();
        other.join();
        EXPECT_EQ(log.count("ERROR"), 0U);
    });
}

CO_TEST(wrong_thread, a_handle_of_call_soon_threadsafe_may_go_anywhere) {
    event_loop& loop = get_running_loop();
    loop.set_debug(true);
    const log_capture log;
    auto there_and_back = [&loop] { return handle(loop.call_soon_threadsafe([] {})); };
    handle made = co_await in_thread(there_and_back);
    auto drop = [&made] { const handle copy = std::exchange(made, handle()); };
    co_await in_thread(drop);
    EXPECT_EQ(log.count("ERROR"), 0U);
}

CO_TEST(wrong_thread, a_loop_of_another_thread_is_refused_as_well) {
    get_running_loop().set_debug(true);
    event flag;
    flag.clear();
    std::string refusal;
    auto other = [&flag]() -> coro<> {
        flag.set();
        co_return;
    };
    auto run_there = [&] {
        try {
            run(invoke(other), test_options(backend_kind::epoll));
        } catch (const loop_error& error) {
            refusal = error.what();
        }
    };
    co_await in_thread(run_there);
    EXPECT_NE(refusal.find("event.set was called on thread"), std::string::npos) << refusal;
}

TEST(wrong_thread, a_primitive_may_go_from_a_loop_that_ended_to_another) {
    for_each_backend([](backend_kind kind) {
        run_options options = test_options(kind);
        options.loop.debug = true;
        options.loop.stall_watchdog = 0s;
        event flag;
        auto use = [&flag]() -> coro<> {
            flag.set();
            flag.clear();
            co_return;
        };
        run(invoke(use), options);
        std::thread([&] { EXPECT_NO_THROW(run(invoke(use), options)); }).join();
        EXPECT_NO_THROW(flag.set());
    });
}

CO_TEST(wrong_thread, a_task_of_another_loop_cannot_be_awaited) {
    event_loop other;
    auto foreign = create_task(other, ticks(1), "foreign");
    std::string refusal;
    try {
        co_await foreign;
    } catch (const loop_error& error) {
        refusal = error.what();
    }
    EXPECT_NE(refusal.find("got <Task pending name='foreign'> attached to a different loop"),
              std::string::npos)
        << refusal;
    other.set_exception_handler([](event_loop&, const exception_context&) {});
}

}  // namespace
