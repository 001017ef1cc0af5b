#include "tasks/testing/scenario.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/recycling_allocator.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/exception_group.hpp"
#include "tasks/process_threads.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

/// A run blocks for ever when a completion is lost. Real time, since the clock may be the culprit;
/// generous, since sanitizers and busy machines are slow.
constexpr unsigned seconds_until_alarm = 30;

bool has_children() {
    siginfo_t found{};
    return ::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

std::string all_stacks(event_loop& loop) {
    std::string text;
    for (const task_ref& task : all_tasks(loop)) text += "\n" + task.format_stack();
    return text;
}

bool is_deadlock(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const deadlock&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// One run, and what it is accused of. Only the first accusation counts: the rest follows from it.
class trial {
  public:
    trial(const scenario& what, backend_kind kind, disturbance& by)
        : what_(what), options_(test_options(kind)), by_(by) {
        by_.set_options(options_.loop);
    }

    std::string run() {
        detail::release_stock();
        const holdings before = holdings::now();
        by_.begin();
        try {
            run_on_fresh_loop();
        } catch (...) {
            by_.pause();
            judge(std::current_exception());
        }
        by_.pause();
        ::alarm(0);
        by_.set_loop(nullptr);
        if (trouble_.empty()) trouble_ = holdings::now().difference_from(before);
        const std::string verdict = what_.check ? what_.check() : "";
        if (trouble_.empty()) trouble_ = verdict;
        return std::move(trouble_);
    }

  private:
    void run_on_fresh_loop() {
        runner own(options_);
        by_.pause();
        prepare(own.loop());
        by_.begin();
        std::exception_ptr error;
        try {
            own.run(what_.body());
        } catch (...) {
            error = std::current_exception();
        }
        by_.pause();
        runtime::of(own.loop()).set_step_observer(nullptr);
        if (by_.steps() >= disturbance::steps_max) {
            accuse(fmt::format("it took {} steps and had not ended", by_.steps()));
            own.loop().close();  // a shutdown would wait for it as long
        }
        if (error) judge(error);
        by_.begin();
        own.close();
    }

    void prepare(event_loop& loop) {
        by_.set_loop(&loop);
        runtime::of(loop).set_step_observer(&by_);
        loop.set_exception_handler([this](event_loop&, const exception_context& context) {
            by_.pause();
            if (!context.exception || !is_allowed(context.exception)) {
                accuse(fmt::format("the exception handler was told: {} {} {}", context.message,
                                   context.subject,
                                   context.exception ? describe_exception(context.exception) : ""));
            }
            by_.begin();
        });
        auto on_alarm = [this, &loop](int) {
            by_.pause();
            accuse(fmt::format("nothing has happened for {} s; the tasks:{}", seconds_until_alarm,
                               all_stacks(loop)));
            loop.set_exception_handler({});
            loop.remove_signal_handler(SIGALRM);  // if closing hangs too, the next alarm is fatal
            ::alarm(seconds_until_alarm);
            loop.stop();
        };
        loop.add_signal_handler(SIGALRM, on_alarm, false);
        ::alarm(seconds_until_alarm);
    }

    [[nodiscard]] bool is_allowed(const std::exception_ptr& error) const {
        return is_cancelled(error) || (what_.may_throw && what_.may_throw(error));
    }

    void judge(const std::exception_ptr& error) {
        if (is_allowed(error)) return;
        if (what_.may_deadlock && is_deadlock(error)) return;
        accuse("it ended with: " + describe_exception(error));
    }

    void accuse(std::string of) {
        if (trouble_.empty()) trouble_ = std::move(of);
    }

    const scenario& what_;
    run_options options_;
    disturbance& by_;
    std::string trouble_;
};

}  // namespace

// ---- Leaks --------------------------------------------------------------------------------

holdings holdings::now() {
    return {.blocks = detail::live_blocks(),
            .descriptors = open_descriptors(),
            .threads = detail::count_threads(),
            .children = has_children()};
}

std::string holdings::difference_from(const holdings& before) const {
    std::string text;
    const auto compare = [&](std::size_t was, std::size_t is, std::string_view what) {
        if (is > was) text += fmt::format("{} {} were leaked. ", is - was, what);
        if (is < was) text += fmt::format("{} {} of somebody else are gone. ", was - is, what);
    };
    compare(before.blocks, blocks, "frames, tasks or futures");
    compare(before.descriptors, descriptors, "descriptors");
    compare(before.threads, threads, "threads");
    if (children && !before.children) text += "A child process was left behind. ";
    return text;
}

// ---- A run --------------------------------------------------------------------------------

void disturbance::after_step(task_base& task) noexcept {
    if (loop_ == nullptr) return;
    if (++steps_ == steps_max) loop_->stop();
    on_step(task);
}

namespace {
void (*tell_the_run)() = nullptr;
std::terminate_handler terminate_before = nullptr;
}  // namespace

terminate_watch::terminate_watch(void (*tell)()) {
    tell_the_run = tell;
    terminate_before = std::set_terminate([] {
        tell_the_run();
        terminate_before();
    });
}

terminate_watch::~terminate_watch() { std::set_terminate(terminate_before); }

std::string run_disturbed(const scenario& what, backend_kind kind, disturbance& by) {
    return trial(what, kind, by).run();
}

// ---- Saying what was found ----------------------------------------------------------------

std::optional<only_point> only_point::from_environment() {
    const char* value = std::getenv("MAYHEM_CHECK_ONLY");
    if (value == nullptr || *value == '\0') return std::nullopt;
    const std::string_view text(value);
    const std::size_t colon = text.find(':');
    if (colon == text.npos) throw std::invalid_argument("MAYHEM_CHECK_ONLY is not BACKEND:POINT");
    only_point only;
    only.backend = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data() + colon + 1, end, only.point);
    if (failed != std::errc{}) throw std::invalid_argument("MAYHEM_CHECK_ONLY has no number");
    if (rest != end && *rest == '.') {
        std::size_t variant = 0;
        std::from_chars(rest + 1, end, variant);
        only.variant = variant;
    }
    return only;
}

std::string how_to_repeat(std::string_view where) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string filter = "...";
    if (test != nullptr) filter = fmt::format("{}.{}", test->test_suite_name(), test->name());
    return fmt::format("Only this one again: MAYHEM_CHECK_ONLY={} {} --gtest_filter={}", where,
                       program_invocation_name, filter);
}

void report(const findings& found) {
    if (found.trouble) ADD_FAILURE() << *found.trouble;
}

}  // namespace mayhem::testing
