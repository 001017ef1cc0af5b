// Mandrill shut down after every step of a message's path, and refused every system call on it;
// then a second run recovers. On simulated kernels, rough ones, each with its seed.
//
// Whatever the moment: no request that was accepted is forgotten, no host is restarted twice for
// one request, the intent is stored before the host is touched, nothing is acked before its restart
// is on record, and no run leaves a frame, a descriptor or a thread behind.
//
// A test run tries some places of each seed. All of them: MAYHEM_EVERY_STEP=1; more seeds:
// MAYHEM_SEEDS=1000; one seed alone: MAYHEM_SEED=5.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "loop/log.hpp"
#include "tasks/testing/co_test.hpp"
#include "tasks/testing/fail_every_system_call.hpp"
#include "tests/mandrill/service/path_of_a_message.hpp"

namespace mandrill {
namespace {

using mayhem::backend_kind;
using mayhem::sim_options;
using test::path_of_a_message;
using test::path_tally;

/// How the first service is told to stop: as a supervisor does, or by signals, or again and again.
enum class way { cancel, terminate, cancel_twice, interrupt_twice };

bool is_twice(way how) { return how == way::cancel_twice || how == way::interrupt_twice; }

std::string_view to_string(way how) {
    switch (how) {
        case way::cancel:
            return "Cancelled";
        case way::terminate:
            return "Terminated";
        case way::cancel_twice:
            return "Cancelled twice";
        case way::interrupt_twice:
            return "Interrupted twice";
    }
    return "?";
}

/// Shuts the service down after one step, and in some ways again a few steps later, in the middle
/// of the shutdown.
class shutdown_at final : public mayhem::testing::disturbance {
  public:
    shutdown_at(std::size_t point, way how, std::uint64_t seed)
        : point_(point),
          again_(point + 1 + (point + seed) % (how == way::cancel_twice ? 12 : 60)),
          how_(how),
          seed_(seed) {}
    void set_options(mayhem::loop_options& options) override {
        options.sim = sim_options::rough(seed_);
    }
    [[nodiscard]] const std::string& where() const noexcept { return where_; }
    /// Whether there was still something to cancel when the second time came.
    [[nodiscard]] bool has_struck_twice() const noexcept { return strikes_ == 2; }

  private:
    void on_step(mayhem::task_base& task) noexcept override {
        if (point_ == 0) return;
        if (steps() != point_ && !(is_twice(how_) && steps() == again_)) return;
        auto pending = mayhem::runtime::of(loop()).tasks();
        if (pending.empty()) return;
        ++strikes_;
        where_ += "\n  " + task.describe() + mayhem::runtime::format_stack(task);
        if (how_ == way::cancel || how_ == way::cancel_twice) {
            pending.front()->cancel();
        } else {
            const int number = how_ == way::terminate ? SIGTERM : SIGINT;
            if (is_handled(number)) ::raise(number);
        }
    }
    /// Before the service has its handler, the signal would end this process.
    static bool is_handled(int number) noexcept {
        sigset_t blocked;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        return sigismember(&blocked, number) == 1;
    }

    std::size_t point_;
    std::size_t again_;
    way how_;
    std::uint64_t seed_;
    int strikes_ = 0;
    std::string where_;
};

/// A scenario: a new path for each run, judged after its recovery.
class path_scenario {
  public:
    path_scenario(std::uint64_t seed, path_tally& all) {
        what_.body = [this, seed, &all] {
            path_ = std::make_unique<path_of_a_message>(seed, all);
            return path_->first_service();
        };
        what_.check = [this] {
            const std::string wrong = path_->recover();
            path_.reset();
            return wrong;
        };
    }
    [[nodiscard]] const mayhem::testing::scenario& get() const noexcept { return what_; }

  private:
    mayhem::testing::scenario what_;
    std::unique_ptr<path_of_a_message> path_;
};

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
    const char* const asked = std::getenv(variable);
    return asked != nullptr ? std::strtoull(asked, nullptr, 10) : otherwise;
}

class mandrill_path : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        // The disk is not what is tested, and every run commits some dozens of times.
        if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
    }
    void SetUp() override { mayhem::set_log_level(mayhem::log_level::critical); }
    void TearDown() override {
        mayhem::set_log_level(mayhem::log_level::info);
        fmt::print(
            "  mandrill path: {} points ({} struck twice), {} runs, seeds {}..{}{}, {} calls "
            "failed, {} lost, {} repeated\n",
            all_.points, all_.twice, all_.runs, first_seed(), last_seed(),
            seed_stride_ == 1 ? "" : fmt::format(", every {}th of them", seed_stride_), all_.calls,
            all_.lost, all_.repeated);
    }

    static constexpr std::uint64_t seeds_in_ci = 20;
    static std::uint64_t first_seed() { return number_in("MAYHEM_SEED", 1); }
    static std::uint64_t last_seed() {
        if (std::getenv("MAYHEM_SEED") != nullptr) return first_seed();
        return number_in("MAYHEM_SEEDS", seeds_in_ci);
    }

    void shut_down_everywhere(way how) {
        for (std::uint64_t seed = first_seed(); seed <= last_seed() && !HasFailure(); ++seed) {
            shut_down_with(seed, how);
        }
    }

    path_tally all_;
    std::uint64_t seed_stride_ = 1;

  private:
    void shut_down_with(std::uint64_t seed, way how) {
        if (const auto only = mayhem::testing::only_point::from_environment()) {
            shut_down_at(only->point, seed, how);
            return;
        }
        const std::size_t steps = shut_down_at(0, seed, how);  // undisturbed
        EXPECT_GT(steps, 100U);
        const bool each = std::getenv("MAYHEM_EVERY_STEP") != nullptr;
        const std::size_t places = is_twice(how) ? places_per_seed / 2 : places_per_seed;
        const std::size_t stride = each ? 1 : std::max<std::size_t>(1, steps / places);
        for (std::size_t point = 1 + seed % stride; point < steps && !HasFailure();
             point += stride) {
            shut_down_at(point, seed, how);
            ++all_.points;
        }
    }

    /// @returns the number of steps
    std::size_t shut_down_at(std::size_t point, std::uint64_t seed, way how) {
        const path_scenario path(seed, all_);
        shutdown_at by(point, how, seed);
        const std::string trouble =
            mayhem::testing::run_disturbed(path.get(), backend_kind::sim, by);
        if (!trouble.empty()) {
            const std::string place = fmt::format("sim:{} MAYHEM_SEED={}", point, seed);
            ADD_FAILURE() << to_string(how) << " after step " << point << ", seed " << seed << ": "
                          << trouble << "\nThat step was" << by.where() << "\n"
                          << mayhem::testing::how_to_repeat(place);
        }
        if (by.has_struck_twice()) ++all_.twice;
        return by.steps();
    }

    static constexpr std::size_t places_per_seed = 12;
};

TEST_F(mandrill_path, survives_being_cancelled_after_any_step) {
    shut_down_everywhere(way::cancel);
}

TEST_F(mandrill_path, survives_a_signal_after_any_step) { shut_down_everywhere(way::terminate); }

TEST_F(mandrill_path, survives_being_cancelled_again_during_its_shutdown) {
    shut_down_everywhere(way::cancel_twice);
    EXPECT_GT(all_.twice, 0U);
}

TEST_F(mandrill_path, survives_an_impatient_second_signal_during_its_shutdown) {
    shut_down_everywhere(way::interrupt_twice);
    EXPECT_GT(all_.twice, 0U);
}

TEST_F(mandrill_path, survives_the_failure_of_any_system_call) {
    seed_stride_ = 4;
    for (std::uint64_t seed = first_seed(); seed <= last_seed() && !HasFailure();
         seed += seed_stride_) {
        const path_scenario path(seed, all_);
        const auto found =
            mayhem::testing::fail_every_system_call(path.get(), sim_options::rough(seed));
        all_.calls += found.points;
    }
    EXPECT_GT(all_.calls, 0U);
}

}  // namespace
}  // namespace mandrill
