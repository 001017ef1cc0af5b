// Random programs, one for each seed. MAYHEM_SEED=17 repeats one; MAYHEM_SEEDS=100000 runs so many.

#include "tests/stress/random/random_program.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tasks/testing/co_test.hpp"
#include "tasks/testing/scenario.hpp"

namespace mayhem::testing {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

class undisturbed final : public disturbance {};

void run_seed(std::uint64_t seed, backend_kind kind, const program_size& size) {
    notes found;
    std::unique_ptr<random_program> program;
    scenario what;
    what.body = [&]() -> coro<> {
        program = std::make_unique<random_program>(seed, size);
        return program->run(found);
    };
    what.check = [&] {
        const std::string verdict = found.verdict();
        program.reset();
        return verdict;
    };
    what.may_throw = random_program::is_part_of_the_game;
    undisturbed by;
    const std::string trouble = run_disturbed(what, kind, by);
    if (trouble.empty()) return;
    ADD_FAILURE() << "On " << backend_label(kind) << ", seed " << seed << ": " << trouble
                  << "\nOnly this one again: MAYHEM_SEED=" << seed;
}

TEST(random_program, breaks_no_invariant_whatever_it_does) {
    constexpr std::uint64_t seeds_in_ci = 60;
    const std::uint64_t first = number_from("MAYHEM_SEED", 1);
    const bool only_one = std::getenv("MAYHEM_SEED") != nullptr;
    const std::uint64_t count = only_one ? 1 : number_from("MAYHEM_SEEDS", seeds_in_ci);
    for (const backend_kind kind : available_backends()) {
        for (std::uint64_t seed = first; seed < first + count && !HasFailure(); ++seed) {
            program_size size;
            size.threads = seed % 4 == 0;  // real time passes in threads
            run_seed(seed, kind, size);
        }
    }
}

}  // namespace
}  // namespace mayhem::testing
