#include "tasks/testing/fail_every_system_call.hpp"

#include <fmt/format.h>
#include <system_error>

#include "loop/sim_faults.hpp"
#include "tasks/exception_group.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

class call_failure final : public disturbance {
  public:
    call_failure(const sim_options& base, std::size_t number) : asked_(base) {
        asked_.fail_call = number;
        asked_.report = &report_;
    }
    void set_options(loop_options& options) override { options.sim = asked_; }
    [[nodiscard]] const sim_report& seen() const noexcept { return report_; }

  private:
    sim_options asked_;
    sim_report report_;
};

/// A system_error itself, or a group in which every error is.
bool is_system_error(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error&) {
        return true;
    } catch (const exception_group& several) {
        for (const std::exception_ptr& one : several.exceptions()) {
            if (!is_system_error(one)) return false;
        }
        return true;
    } catch (...) {
        return false;
    }
}

/// A scenario, and how the kernel behaves besides.
class expedition {
  public:
    expedition(const scenario& what, const sim_options& base) : what_(what), base_(base) {}

    findings run() {
        if (const auto only = only_point::from_environment()) {
            if (only->backend == backend_label(backend_kind::sim)) fail_one(only->point);
            return std::move(found_);
        }
        fail_one(0);  // the undisturbed run
        while (!found_.trouble && fail_one(found_.points + 1)) ++found_.points;
        return std::move(found_);
    }

  private:
    /// @returns false when the run made fewer calls, and was not disturbed.
    bool fail_one(std::size_t number) {
        scenario run = what_;
        if (number == 0) {
            run.may_deadlock = false;
        } else {
            run.may_throw = [this](const std::exception_ptr& error) {
                return is_system_error(error) || (what_.may_throw && what_.may_throw(error));
            };
        }
        call_failure by(base_, number);
        current_run_ = fmt::format("std::terminate in the run with call {} failing.\n{}", number,
                                   how_to_repeat(place(number)));
        const std::string trouble = run_disturbed(run, backend_kind::sim, by);
        ++found_.runs;
        const sim_report& seen = by.seen();
        if (!trouble.empty()) {
            const std::string which =
                seen.failed_call.empty()
                    ? fmt::format("None failed in this run, of {}", seen.calls)
                    : fmt::format("It was call {} of {}, {}", number, seen.calls, seen.failed_call);
            found_.trouble =
                fmt::format("A failed system call does harm, on sim: {}\n{}; seed {}.\n{}", trouble,
                            which, seen.seed, how_to_repeat(place(number)));
        }
        return !seen.failed_call.empty();
    }

    /// "sim:17 MAYHEM_SEED=1".
    [[nodiscard]] std::string place(std::size_t number) const {
        return fmt::format("{}:{} MAYHEM_SEED={}", backend_label(backend_kind::sim), number,
                           sim_faults(base_).seed());
    }

    const terminate_watch watch_{[] { fmt::print(stderr, "{}\n", current_run_); }};
    const scenario& what_;
    const sim_options& base_;
    findings found_;
    static inline std::string current_run_;
};

}  // namespace

findings try_failing_every_system_call(const scenario& what, const sim_options& base) {
    return expedition(what, base).run();
}

findings fail_every_system_call(const scenario& what, const sim_options& base) {
    findings found = try_failing_every_system_call(what, base);
    report(found);
    return found;
}

}  // namespace mayhem::testing
