// The end of a program: what is left is asked to stop, waited for, reported, and nothing remains.
#include "tasks/shutdown.hpp"

#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <malloc.h>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/log_capture.hpp"
#include "tests/tasks/support.hpp"

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

namespace {

/// Collects what reaches the exception handler of a runner's loop.
void collect_reports(event_loop& loop, std::vector<std::string>& reports) {
    loop.set_exception_handler([&](event_loop&, const exception_context& context) {
        reports.push_back(context.message + "\n" + context.subject);
    });
}

/// Waits for ever, whatever it is asked.
coro<> never_end() {
    for (;;) {
        try {
            co_await sleep_long();
        } catch (const cancelled&) {
            continue;
        }
    }
}

/// Starts another of its kind when it is cancelled, `more` times over.
coro<> start_another(int* ended, int more) {
    try {
        co_await sleep_long();
    } catch (const cancelled&) {
        ++*ended;
        if (more > 0) create_task(start_another(ended, more - 1));
        throw;
    }
}

/// No sleep: a virtual clock stands still while a job runs.
coro<int> seven() {
    co_await ticks(3);
    co_return 7;
}

/// A main task that starts `worker`, and ends.
coro<> start_and_leave(coro<> worker, std::string name = "worker") {
    create_task(std::move(worker), name);
    co_await ticks(2);
}

TEST(shutdown, asks_tasks_that_cleanup_started_generation_after_generation) {
    for_each_backend([](backend_kind kind) {
        int ended = 0;
        run(start_and_leave(start_another(&ended, 20)), test_options(kind));
        EXPECT_EQ(ended, 21);
    });
}

TEST(shutdown, gives_up_on_cleanup_that_starts_tasks_for_ever_and_says_so) {
    for_each_backend([](backend_kind kind) {
        std::vector<std::string> reports;
        int ended = 0;
        runner own(test_options(kind));
        collect_reports(own.loop(), reports);
        own.run(start_and_leave(start_another(&ended, 1'000'000)));
        own.close();
        ASSERT_EQ(reports.size(), 2U);
        EXPECT_TRUE(reports[0].starts_with("Shutdown gave up after 1000 passes")) << reports[0];
        EXPECT_NE(reports[0].find("start_another"), std::string::npos) << reports[0];
        EXPECT_TRUE(reports[1].starts_with("Task was destroyed but it is pending!"));
        EXPECT_LT(ended, 2000);
    });
}

TEST(shutdown, reports_each_task_that_stays_with_its_stack) {
    for_each_backend([](backend_kind kind) {
        std::vector<std::string> reports;
        runner own(test_options(kind));
        collect_reports(own.loop(), reports);
        const time_point before = own.loop().time();
        auto body = []() -> coro<> {
            create_task(never_end(), "first");
            create_task(never_end(), "second");
            co_await ticks(2);
        };
        own.run(body());
        own.close();
        ASSERT_EQ(reports.size(), 2U);
        for (const std::string& report : reports) {
            EXPECT_TRUE(report.starts_with("Task was destroyed but it is pending!")) << report;
            EXPECT_NE(report.find("never_end"), std::string::npos) << report;
            EXPECT_NE(report.find("shutdown_test.cpp"), std::string::npos) << report;
        }
        EXPECT_NE(reports[0].find("name='first'"), std::string::npos) << reports[0];
        EXPECT_NE(reports[1].find("name='second'"), std::string::npos) << reports[1];
        EXPECT_EQ(own.loop().time() - before, run_options().drain + 1s);
    });
}

TEST(shutdown, without_a_drain_cleanup_still_has_a_second) {
    for_each_backend([](backend_kind kind) {
        bool cleaned_up = false;
        auto worker = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
            }
            co_await mayhem::sleep(900ms);
            cleaned_up = true;
        };
        run_options options = test_options(kind);
        options.drain = 0s;
        run(start_and_leave(worker()), options);
        EXPECT_TRUE(cleaned_up);
    });
}

TEST(shutdown, what_a_protected_task_starts_at_the_deadline_is_asked_as_well) {
    for_each_backend([](backend_kind kind) {
        int ended = 0;
        auto save = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                create_task(start_another(&ended, 3));
                throw;
            }
        };
        auto worker = [&]() -> coro<> { co_await shield(save()); };
        run(start_and_leave(worker()), test_options(kind));
        EXPECT_EQ(ended, 4);
    });
}

TEST(shutdown, errors_of_the_cleanup_are_reported) {
    for_each_backend([](backend_kind kind) {
        std::vector<std::string> reports;
        runner own(test_options(kind));
        collect_reports(own.loop(), reports);
        auto worker = []() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
                throw std::runtime_error("cannot clean up");
            }
        };
        own.run(start_and_leave(worker()));
        own.close();
        ASSERT_EQ(reports.size(), 1U);
        EXPECT_TRUE(reports[0].starts_with("Task exception was never retrieved")) << reports[0];
    });
}

TEST(shutdown, a_stop_of_the_loop_does_not_end_it) {
    for_each_backend([](backend_kind kind) {
        bool cleaned_up = false;
        auto worker = [&]() -> coro<> {
            try {
                co_await sleep_long();
            } catch (const cancelled&) {
            }
            for (int i = 0; i < 5; ++i) {
                get_running_loop().stop();
                co_await ticks(2);
            }
            cleaned_up = true;
        };
        run(start_and_leave(worker()), test_options(kind));
        EXPECT_TRUE(cleaned_up);
    });
}

TEST(shutdown, a_job_that_needs_the_loop_can_end) {
    for_each_real_backend("the job needs a thread of its own", [](backend_kind kind) {
        int given = 0;
        auto body = [&]() -> coro<> {
            event_loop& loop = get_running_loop();
            std::promise<void> shutting_down;
            auto job = [&given, &loop, begun = shutting_down.get_future().share()] {
                begun.wait();
                try {
                    given = run_coroutine_threadsafe(seven(), loop).get();
                } catch (const cancelled&) {
                    given = -1;  // it came while the tasks were being cancelled
                }
            };
            auto worker = [](auto work) -> coro<> { co_await run_in_executor(work); };
            create_task(worker(job));
            co_await ticks(2);
            shutting_down.set_value();
        };
        run(body(), test_options(kind));
        EXPECT_NE(given, 0);
    });
}

TEST(shutdown, a_job_that_does_not_end_is_left_behind_with_a_warning) {
    for_each_real_backend("the job needs a thread of its own", [](backend_kind kind) {
        const log_capture log;
        std::promise<void> release;
        std::promise<void> started;
        std::promise<void> ended;
        auto job = [&, released = release.get_future().share()] {
            started.set_value();
            released.wait();
            ended.set_value();
        };
        auto worker = [&]() -> coro<> { co_await run_in_executor(job); };
        auto body = [&]() -> coro<> {
            create_task(worker());
            co_await ticks(2);
            started.get_future().wait();
        };
        run_options options = test_options(kind);
        options.executor_shutdown = 1ms;
        run(body(), options);
        EXPECT_EQ(log.count("did not finish joining its threads in time"), 1U);
        release.set_value();  // what comes home now finds no loop
        ended.get_future().wait();
    });
}

// ---- Nothing is left ----------------------------------------------------------------------

/// A program that uses everything a loop has, and leaves all of it unfinished.
coro<> leave_everything_open() {
    event_loop& loop = get_running_loop();
    loop.add_signal_handler(SIGUSR2, [](int) {});
    loop.call_later(1h, [] {});
    auto [near, far] = unix_stream::pair();
    auto read = [](unix_stream stream) -> coro<> {
        std::byte buffer[16];
        co_await stream.read_some(buffer);
    };
    create_task(read(std::move(near)));
    create_task(sleep_long());
    auto body = [](task_group& group) -> coro<> {
        group.create_task(sleep_long());
        co_await sleep_long();
    };
    auto hold = [](auto function) -> coro<> { co_await with_task_group(function); };
    create_task(hold(body));
    loop.call_soon([] {});
    auto job = [] { return 1; };
    co_await run_in_executor(job);
    promise<int> nobody_sets_it;
    auto waiting = [](future<int> value) -> coro<> { co_await value; };
    create_task(waiting(nobody_sets_it.get_future()));
    co_await far.write_all(std::as_bytes(std::span("hello", 5)));
}

TEST(shutdown, a_thousand_loops_leave_neither_a_descriptor_nor_a_byte) {
    constexpr int loops = 1000;
    // Less than one smallest allocation for each loop.
    constexpr std::size_t growth_max = 16 * loops;
    for_each_backend([&](backend_kind kind) {
        for (int warm_up = 0; warm_up < 20; ++warm_up) {
            run(leave_everything_open(), test_options(kind));
        }
        const std::size_t descriptors = open_descriptors();
        const std::size_t bytes = ::mallinfo2().uordblks;  // 0 under AddressSanitizer, which looks
        for (int count = 0; count < loops; ++count) {      // for leaks itself
            run(leave_everything_open(), test_options(kind));
        }
        EXPECT_EQ(open_descriptors(), descriptors);
        EXPECT_LT(::mallinfo2().uordblks, bytes + growth_max);
    });
}

}  // namespace
