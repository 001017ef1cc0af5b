#include "mandrill/service/service.hpp"

#include <csignal>
#include <optional>
#include <unistd.h>
#include <utility>

#include "loop/log.hpp"
#include "mandrill/service/request_socket.hpp"

namespace mandrill {

using mayhem::log;
using mayhem::log_level;

std::filesystem::path database_file(const std::filesystem::path& state_directory) {
    return state_directory / "mandrill.db";
}

std::filesystem::path socket_file(const std::filesystem::path& state_directory) {
    return state_directory / "mandrill.sock";
}

namespace {

constexpr int killed_by_interrupt = 130;

/// Signals other than SIGINT that come so close together are one wish to stop.
constexpr std::chrono::seconds one_intent{1};

/// How often the end of the work is looked for once standard input has ended.
constexpr std::chrono::milliseconds look_again{50};

/// Turns signals into a wish to stop, and says how urgent it is.
class stop_request {
  public:
    explicit stop_request(mayhem::event_loop& loop) : loop_(loop) {
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
            loop_.add_signal_handler(number, [this](int received) { on_signal(received); });
        }
        loop_.add_signal_handler(SIGUSR1, [this](int) { log_tasks(); });
    }
    stop_request(const stop_request&) = delete;
    stop_request& operator=(const stop_request&) = delete;
    ~stop_request() {
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
            loop_.remove_signal_handler(number);
        }
    }

    void stop() noexcept { stopped_.set(); }
    /// Returns when the service is to stop.
    mayhem::coro<void> wait() { co_await stopped_.wait(); }
    /// Returns when a second signal came.
    mayhem::coro<void> wait_for_hurry() { co_await hurry_.wait(); }

  private:
    void on_signal(int number) {
        log(log_level::info, "Received exit signal {}...", mayhem::signal_name(number));
        if (!first_at_) {  // the service may be stopping already, because its time is up
            first_at_ = loop_.time();
            return stopped_.set();
        }
        // A supervisor may send several kinds at once; only Ctrl-C is sent by somebody impatient.
        if (number != SIGINT && loop_.time() - *first_at_ < one_intent) return;
        if (!hurry_.is_set()) {
            log(log_level::warning, "Second exit signal: not waiting any longer");
            return hurry_.set();
        }
        log(log_level::critical, "Third exit signal: ending at once");
        ::_exit(killed_by_interrupt);
    }

    void log_tasks() const {
        for (const mayhem::task_ref& task : mayhem::all_tasks(loop_)) {
            log(log_level::info, "{}", task.format_stack());
        }
    }

    mayhem::event_loop& loop_;
    mayhem::event stopped_;
    mayhem::event hurry_;
    std::optional<mayhem::time_point> first_at_;
};

/// One run of the service. The members are in the order in which they are started.
class running_service {
  public:
    running_service(service_options options, std::unique_ptr<database> db,
                    std::unique_ptr<restarter> fleet)
        : options_(std::move(options)),
          loop_(mayhem::get_running_loop()),
          clock_(loop_),
          started_(loop_.time()),
          db_(std::move(db)),
          fleet_(std::move(fleet)),
          random_(options_.seed) {}

    mayhem::coro<service_report> run() {
        started_at_ = clock_.now();
        std::exception_ptr problem;
        service_report report;
        co_await attempt(serve(), problem);
        if (problem) {  // no drain, but nothing is left running either
            consumer_.stop();
            co_await attempt(end(parts_), problem);
            co_await attempt(cancel_the_rest(), problem);
        }
        co_await attempt(fleet_->stop(), problem);
        if (!problem) co_await attempt(fill_in(report), problem);
        log(log_level::info, "Closing database connections");
        co_await db_->close();
        if (problem) std::rethrow_exception(problem);
        log(log_level::info, "Successfully shutdown the Mayhem service.");
        co_return report;
    }

  private:
    /// Carries out one step of a run. Whatever goes wrong is kept for the end, the first of it: the
    /// steps after this one are needed all the more.
    static mayhem::coro<void> attempt(mayhem::coro<void> step, std::exception_ptr& problem) {
        try {
            co_await std::move(step);
        } catch (...) {
            if (!problem) problem = std::current_exception();
        }
    }

    mayhem::coro<void> serve() {
        co_await start_unless_stopped();
        co_await stop_.wait();
        co_await stop();
    }

    /// A fleet takes seconds to boot; whoever changes his mind need not wait for it.
    mayhem::coro<void> start_unless_stopped() {
        auto starting = mayhem::create_task(start(), "start");
        auto stopping = mayhem::create_task(stop_.wait(), "stop");
        const std::vector<mayhem::task_ref> both{starting, stopping};
        co_await until_one_has_ended(both);
        if (!starting.is_cancelled()) starting.value();
    }

    mayhem::coro<void> start() {
        const int left = co_await messages_.expire_leases();
        if (left > 0) {
            log(log_level::info, "Found {} messages of a run that was killed; going on with them",
                left);
        }
        co_await messages_.forget_old();
        const summary before = co_await messages_.summarize(0);
        // Each run draws different requests, and the same seed on the same database the same ones.
        random_.seed(options_.seed + static_cast<std::uint64_t>(before.published));
        requests_ = std::make_unique<intake>(at_, random_());
        log(log_level::info, "Starting {} hosts", fleet_->hosts().size());
        co_await fleet_->start();
        log(log_level::info,
            "Fleet is up; `mandrill hosts` lists it, `mandrill request HOST` asks");
        launch(serve_requests(*requests_, socket_file(options_.state_directory)), "request socket");
        if (options_.requests_per_second > 0) {
            launch(publish_randomly(at_, *requests_, options_.requests_per_second),
                   "random publisher");
        }
        if (options_.standard_input) launch(follow_standard_input(), "stdin publisher");
        if (options_.run_for) launch(stop_after(*options_.run_for), "time limit");
        consuming_ = mayhem::create_task(consumer_.run(), "consumer");
    }

    /// A part that runs until the service stops. One that fails takes the service with it.
    void launch(mayhem::coro<void> part, std::string_view name) {
        parts_.push_back(mayhem::create_task(std::move(part), name));
        mayhem::task_ref started = parts_.back();
        parts_.back().add_done_callback([this, started]() mutable {
            if (started.is_cancelled() || !started.exception()) return;
            if (!failure_) failure_ = started.exception();
            stop_.stop();
        });
    }

    mayhem::coro<void> stop_after(std::chrono::nanoseconds limit) {
        co_await mayhem::sleep(limit);
        log(log_level::info, "The time is up");
        stop_.stop();
    }

    mayhem::coro<void> follow_standard_input() {
        co_await publish_standard_input(at_, *requests_);
        log(log_level::info, "End of standard input");
        if (options_.run_for) co_return;
        // Settled means settled: also what waits for its retry.
        for (;;) {
            const auto due = co_await messages_.next_due();
            if (!due) break;
            co_await mayhem::sleep(look_again);
        }
        stop_.stop();
    }

    /// The graceful end; the order is explained at the top of service.hpp.
    mayhem::coro<void> stop() {
        co_await end(parts_);  // publishers first: whoever asks now asks the next run
        consumer_.stop();
        log(log_level::info, "Nacking outstanding messages");
        consumer_.cancel_waiting();
        co_await drain();
        co_await cancel_the_rest();
        if (failure_) std::rethrow_exception(failure_);
    }

    /// Cancels tasks and waits until they have ended, whoever is cancelled meanwhile: they work
    /// with this object, and with the database.
    static mayhem::coro<void> end(std::vector<mayhem::task_ref> tasks) {
        std::erase_if(tasks, [](const auto& task) { return !task || task.done(); });
        for (auto& task : tasks) task.cancel();
        std::exception_ptr interrupted;
        for (bool ended = tasks.empty(); !ended;) {
            try {
                co_await mayhem::wait(tasks);
                ended = true;
            } catch (const mayhem::cancelled&) {
                interrupted = std::current_exception();
            }
        }
        if (interrupted) std::rethrow_exception(interrupted);
    }

    /// Returns when one of them has ended; the others are cancelled and have ended too. A plain
    /// wait would leave all of them running when it is cancelled.
    static mayhem::coro<void> until_one_has_ended(std::vector<mayhem::task_ref> tasks) {
        std::exception_ptr interrupted;
        try {
            co_await mayhem::wait(tasks, mayhem::return_when::first_completed);
        } catch (const mayhem::cancelled&) {
            interrupted = std::current_exception();
        }
        co_await end(std::move(tasks));
        if (interrupted) std::rethrow_exception(interrupted);
    }

    mayhem::coro<void> drain() {
        if (consumer_.outstanding() == 0) co_return;
        log(log_level::info, "Waiting for {} restarts under way, up to {} s",
            consumer_.outstanding(),
            std::chrono::duration_cast<std::chrono::seconds>(options_.rules.drain).count());
        auto idle = mayhem::create_task(consumer_.wait_until_idle(options_.rules.drain), "drain");
        auto hurry = mayhem::create_task(stop_.wait_for_hurry(), "hurry");
        const std::vector<mayhem::task_ref> both{idle, hurry};
        co_await until_one_has_ended(both);
    }

    mayhem::coro<void> cancel_the_rest() {
        std::size_t count = consumer_.cancel_all();
        cut_off_ = count > 0;
        if (consuming_ && !consuming_.done()) ++count;
        log(log_level::info, "Cancelling {} outstanding tasks", count);
        co_await end_pulling();
        const bool idle = co_await consumer_.wait_until_idle(options_.rules.hurry);
        if (!idle) {
            log(log_level::error,
                "{} messages could not be given back in time; their leases "
                "run out by themselves",
                consumer_.outstanding());
        }
    }

    /// The consumer ends by itself once the pull that is under way has brought what it has leased,
    /// which is given back at once; cancelled, it would leave those leases to run out.
    mayhem::coro<void> end_pulling() {
        if (!consuming_) co_return;
        const std::vector<mayhem::task_ref> pulling{consuming_};
        std::exception_ptr interrupted;
        try {
            co_await mayhem::wait(pulling, mayhem::return_when::all_completed,
                                  options_.rules.hurry);
        } catch (const mayhem::cancelled&) {
            interrupted = std::current_exception();
        }
        co_await end(pulling);
        if (interrupted) std::rethrow_exception(interrupted);
    }

    mayhem::coro<void> fill_in(service_report& report) {
        log(log_level::info, "Flushing metrics");
        report.counts = co_await messages_.summarize(started_at_);
        report.dead = co_await messages_.dead_letters();
        report.problems = co_await messages_.problems();
        report.rejected = counters_.rejected;
        report.elapsed = loop_.time() - started_;
        report.cut_off = cut_off_;
        std::string problem;
        try {
            auto write = [counters = counters_, file = options_.state_directory / "metrics.prom"] {
                counters.write_to(file);
            };
            co_await mayhem::run_in_executor(std::move(write));
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (!problem.empty()) log(log_level::error, "Could not flush metrics: {}", problem);
    }

    service_options options_;
    mayhem::event_loop& loop_;
    wall_clock clock_;
    mayhem::time_point started_;
    epoch_ms started_at_ = 0;
    std::unique_ptr<database> db_;
    std::unique_ptr<restarter> fleet_;
    stop_request stop_{loop_};
    std::mt19937_64 random_;
    metrics counters_;
    broker messages_{*db_, clock_};
    mayhem::semaphore permits_{options_.rules.restarts_max};
    workplace at_{messages_, *fleet_, options_.rules, counters_, random_, permits_};
    std::unique_ptr<intake> requests_;
    consumer consumer_{at_};
    mayhem::task<void> consuming_;
    std::vector<mayhem::task_ref> parts_;
    std::exception_ptr failure_;
    bool cut_off_ = false;
};

}  // namespace

mayhem::coro<service_report> run_service(service_options options,
                                         std::function<std::unique_ptr<restarter>()> make_fleet) {
    std::filesystem::create_directories(options.state_directory);
    auto db = co_await database::open(store_options(database_file(options.state_directory)));
    auto fleet = make_fleet();
    auto service =
        std::make_unique<running_service>(std::move(options), std::move(db), std::move(fleet));
    co_return co_await service->run();
}

}  // namespace mandrill
