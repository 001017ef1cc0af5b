#include "tasks/testing/cancel_everywhere.hpp"

#include <fmt/format.h>

#include "tasks/coro/task_base.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

std::string portrait(const task_base& task) {
    return task.describe() + runtime::format_stack(task);
}

/// Cancels after one step. `variant` counts the tasks, oldest first; the one past the last stands
/// for all of them.
class canceller final : public disturbance {
  public:
    canceller(std::size_t point, std::size_t variant) : point_(point), variant_(variant) {}

    [[nodiscard]] bool has_struck() const noexcept { return struck_; }
    /// How many variants there are at this point.
    [[nodiscard]] std::size_t variants() const noexcept { return variants_; }
    [[nodiscard]] const std::string& what_was_done() const noexcept { return story_; }

  private:
    void on_step(task_base& task) noexcept override {
        if (steps() != point_) return;
        auto pending = runtime::of(loop()).tasks();
        if (pending.empty()) return;
        struck_ = true;
        variants_ = pending.size() + 1;
        story_ = fmt::format("After step {} of the run, by {}\n", point_, portrait(task));
        if (variant_ < pending.size()) {
            story_ += "this task was cancelled: " + portrait(*pending[variant_]);
            pending[variant_]->cancel();
        } else {
            story_ += "all tasks were cancelled";
            for (auto& one : pending) one->cancel();
        }
    }

    std::size_t point_;
    std::size_t variant_;
    std::size_t variants_ = 0;
    bool struck_ = false;
    std::string story_;
};

/// A scenario on one backend.
class expedition {
  public:
    expedition(const scenario& what, backend_kind kind) : what_(what), kind_(kind) {}

    findings run(victims who) {
        const auto only = only_point::from_environment();
        if (only) {
            if (only->backend == backend_label(kind_))
                strike(only->point, only->variant.value_or(0));
            return std::move(found_);
        }
        strike(0, 0);  // never reached: the undisturbed run
        for (std::size_t point = 1; !found_.trouble; ++point) {
            std::size_t variants = strike(point, 0);
            if (variants == 0) break;
            ++found_.points;
            if (who == victims::main) continue;
            for (std::size_t variant = 1; variant < variants && !found_.trouble; ++variant) {
                strike(point, variant);
            }
        }
        return std::move(found_);
    }

  private:
    /// @returns how many variants there are; 0 when the run ended before.
    std::size_t strike(std::size_t point, std::size_t variant) {
        canceller by(point, variant);
        ++found_.runs;
        const std::string trouble = run_disturbed(undisturbed_when(point), kind_, by);
        if (!trouble.empty()) {
            const std::string where = fmt::format("{}:{}.{}", backend_label(kind_), point, variant);
            found_.trouble = fmt::format(
                "Cancelling does harm, on {}: {}\n{}\n{}", backend_label(kind_), trouble,
                by.has_struck() ? by.what_was_done() : "Nothing was cancelled in this run.",
                how_to_repeat(where));
        }
        return by.has_struck() ? by.variants() : 0;
    }

    /// A run that is not disturbed has no excuses.
    [[nodiscard]] scenario undisturbed_when(std::size_t point) const {
        scenario run = what_;
        if (point == 0) {
            run.may_deadlock = false;
            run.may_throw = {};
        }
        return run;
    }

    const scenario& what_;
    backend_kind kind_;
    findings found_;
};

}  // namespace

findings try_cancelling_everywhere(const scenario& what, backend_kind kind, victims who) {
    return expedition(what, kind).run(who);
}

findings cancel_everywhere(const scenario& what, victims who) {
    findings all;
    for (const backend_kind kind : available_backends()) {
        const findings found = try_cancelling_everywhere(what, kind, who);
        report(found);
        all.points += found.points;
        all.runs += found.runs;
        if (found.trouble) all.trouble = found.trouble;
    }
    return all;
}

}  // namespace mayhem::testing
