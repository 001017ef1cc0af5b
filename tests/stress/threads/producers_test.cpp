// Many threads against one loop: call_soon_threadsafe and run_coroutine_threadsafe, with cancels
// from both sides, on loops that close while they post. Whatever was accepted runs or is dropped,
// once; whatever came too late is refused; and no future is left without an answer.

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

constexpr int producers = 6;
constexpr int posts_of_each = 400;
constexpr int rounds = 6;

std::uint64_t seed_of_this_run() {
    const char* text = std::getenv("MAYHEM_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

/// Real time, since other threads live in it.
run_options real_options(backend_kind kind) {
    run_options options = test_options(kind);
    options.loop.virtual_clock = false;
    return options;
}

/// What happened to the posts, from all threads.
struct ledger {
    std::atomic<int> made{0};  // callbacks, also those that the loop refused
    std::atomic<int> ran{0};
    std::atomic<int> dropped{0};   // destroyed without having run
    std::atomic<int> futures{0};   // coroutines that the loop accepted
    std::atomic<int> answered{0};  // ... and that came to some end
};

/// A callback's capture: says what became of it when it is destroyed.
class post {
  public:
    explicit post(ledger& book) : book_(&book) { ++book_->made; }
    post(post&& other) noexcept : book_(std::exchange(other.book_, nullptr)), ran_(other.ran_) {}
    post(const post&) = delete;
    post& operator=(const post&) = delete;
    post& operator=(post&&) = delete;
    ~post() {
        if (book_ != nullptr && !ran_) ++book_->dropped;
    }
    void operator()() {
        ran_ = true;
        ++book_->ran;
    }

  private:
    ledger* book_;
    bool ran_ = false;
};

class producer {
  public:
    producer(event_loop& loop, ledger& book, std::uint64_t seed)
        : loop_(loop), book_(book), random_(seed) {}

    void run() {
        for (int i = 0; i < posts_of_each; ++i) {
            try {
                random_() % 2 == 0 ? post_a_callback() : submit_a_coroutine();
            } catch (const loop_closed&) {
                // Too late, and told so.
            }
        }
        for (auto& future : waiting_) expect_an_answer(future);
    }

  private:
    void post_a_callback() {
        post mine(book_);
        const handle posted = loop_.call_soon_threadsafe(std::move(mine));
    }

    void submit_a_coroutine() {
        auto body = [](int naps) -> coro<int> {
            for (int i = 0; i < naps; ++i) co_await yield();
            co_return naps;
        };
        auto future = run_coroutine_threadsafe(body(static_cast<int>(random_() % 4)), loop_);
        ++book_.futures;
        const auto choice = random_() % 4;
        if (choice == 0) future.cancel();
        if (choice == 1) return expect_an_answer(future);  // wait right away
        waiting_.push_back(std::move(future));
    }

    void expect_an_answer(concurrent_future<int>& future) {
        try {
            (void)future.get(std::chrono::seconds(30));
        } catch (const timeout_error&) {
            ADD_FAILURE() << "a thread waits for a coroutine that nobody carries out";
        } catch (const cancelled&) {
        } catch (const loop_closed&) {
        }
        ++book_.answered;
    }

    event_loop& loop_;
    ledger& book_;
    std::mt19937_64 random_;
    std::vector<concurrent_future<int>> waiting_;
};

/// The loop's own side: cancels what others have submitted, now and then, and ends after a while.
coro<> cancel_now_and_then(std::chrono::milliseconds until_close, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const time_point end = get_running_loop().time() + until_close;
    while (get_running_loop().time() < end) {
        for (task_ref& task : all_tasks()) {
            if (task.name() == "threadsafe" && random() % 8 == 0) task.cancel();
        }
        co_await mayhem::sleep(std::chrono::microseconds(200));
    }
}

void run_round(backend_kind kind, std::uint64_t seed, std::chrono::milliseconds until_close) {
    ledger book;
    {
        runner own(real_options(kind));
        std::vector<std::thread> threads;
        std::vector<std::unique_ptr<producer>> all;
        for (int i = 0; i < producers; ++i) {
            all.push_back(std::make_unique<producer>(own.loop(), book,
                                                     seed * 100 + static_cast<std::uint64_t>(i)));
        }
        for (auto& one : all) threads.emplace_back([&one] { one->run(); });
        own.run(cancel_now_and_then(until_close, seed));
        own.close();
        for (auto& thread : threads) thread.join();  // the loop object outlives its callers
    }
    EXPECT_EQ(book.made, book.ran + book.dropped)
        << "a callback is lost or ran twice; seed " << seed;
    EXPECT_EQ(book.futures, book.answered) << "seed " << seed;
}

TEST(producers, every_post_runs_or_is_dropped_or_refused_while_loops_come_and_go) {
    const std::uint64_t seed = seed_of_this_run();
    for_each_backend([&](backend_kind kind) {
        for (int round = 0; round < rounds; ++round) {
            const auto until_close = std::chrono::milliseconds(round * 8);
            run_round(kind, seed + static_cast<std::uint64_t>(round), until_close);
        }
    });
}

}  // namespace
}  // namespace mayhem::testing
