#include "tasks/testing/fail_every_allocation.hpp"

#include <fmt/format.h>
#include <new>

#include "loop/recycling_allocator.hpp"
#include "tasks/exception_group.hpp"
#include "tasks/testing/co_test.hpp"

namespace mayhem::testing {
namespace {

class allocation_failure final : public disturbance {
  public:
    void begin() noexcept override { allocation_gate::open(); }
    void pause() noexcept override { allocation_gate::shut(); }
};

/// bad_alloc itself, or a group in which every error is.
bool is_bad_alloc(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (const exception_group& several) {
        for (const std::exception_ptr& one : several.exceptions()) {
            if (!is_bad_alloc(one)) return false;
        }
        return true;
    } catch (...) {
        return false;
    }
}

/// For std::terminate, which comes when something noexcept allocates: which run it was.
std::string current_run;

void name_the_run() {
    allocation_gate::shut();
    fmt::print(stderr, "{}\nIt was asked for here:{}\n", current_run, allocation_gate::where());
}

/// @returns false when the run needed fewer allocations, and was not disturbed.
bool fail_one(const scenario& what, backend_kind kind, std::size_t number, findings& found) {
    scenario run = what;
    run.may_throw = [&what](const std::exception_ptr& error) {
        return is_bad_alloc(error) || (what.may_throw && what.may_throw(error));
    };
    const std::string where = fmt::format("{}:{}", backend_label(kind), number);
    current_run = fmt::format("std::terminate after allocation {} has failed, on {}.\n{}", number,
                              backend_label(kind), how_to_repeat(where));
    allocation_failure by;
    const detail::without_recycling each_block_is_asked_for;
    allocation_gate::fail_at(number);
    const std::string trouble = run_disturbed(run, kind, by);
    allocation_gate::shut();
    ++found.runs;
    const bool has_failed = allocation_gate::has_failed();
    if (!trouble.empty()) {
        found.trouble = fmt::format(
            "A failed allocation does harm, on {}: {}\n{} {}{}\n{}", backend_label(kind), trouble,
            has_failed ? "It was number" : "None failed in this run, of", allocation_gate::count(),
            has_failed ? ", asked for here:" + allocation_gate::where() : ".",
            how_to_repeat(where));
    }
    return has_failed;
}

}  // namespace

findings try_failing_every_allocation(const scenario& what, backend_kind kind) {
    const terminate_watch watch(name_the_run);
    findings found;
    if (const auto only = only_point::from_environment()) {
        if (only->backend == backend_label(kind)) fail_one(what, kind, only->point, found);
        return found;
    }
    fail_one(what, kind, 0, found);  // the undisturbed run
    while (!found.trouble && fail_one(what, kind, found.points + 1, found)) ++found.points;
    return found;
}

findings fail_every_allocation(const scenario& what) {
    findings all;
    for (const backend_kind kind : available_backends()) {
        if (kind == backend_kind::sim) continue;  // it allocates where a real kernel would not
        const findings found = try_failing_every_allocation(what, kind);
        report(found);
        all.points += found.points;
        all.runs += found.runs;
        if (found.trouble) all.trouble = found.trouble;
    }
    return all;
}

}  // namespace mayhem::testing
