// soak [--seconds N | --exchanges N] [--clients N] [--seed N]: see soak.hpp. The backend is
// MAYHEM_BACKEND's. Ends with 0 when everything stayed flat and everybody ended, with 1 when not,
// with 77 where the kernel refuses the backend, and with 64 when it is called wrongly.

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>

#include "loop/recycling_allocator.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/stress/soak/soak.hpp"

namespace {

using namespace mayhem;

constexpr int usage = 64;

/// The exit status by which meson knows a skipped test.
constexpr int skipped = 77;

bool asks_for_a_refused_ring() {
    const char* const asked = std::getenv("MAYHEM_BACKEND");
    if (asked == nullptr || std::string_view(asked) != "uring") return false;
    return std::ranges::find(mayhem::testing::real_backends(), backend_kind::uring) ==
           mayhem::testing::real_backends().end();
}

soak::options parse(int argc, char** argv) {
    soak::options wanted;
    if (argc % 2 == 0) throw std::invalid_argument("every option has a value");
    for (int at = 1; at < argc; at += 2) {
        const std::string_view name = argv[at];
        const std::string value = argv[at + 1];
        if (name == "--seconds") {
            wanted.seconds = std::stod(value);
        } else if (name == "--exchanges") {
            wanted.exchanges = std::stoull(value);
        } else if (name == "--clients") {
            wanted.clients = std::stoi(value);
        } else if (name == "--seed") {
            wanted.seed = std::stoull(value);
        } else {
            throw std::invalid_argument(fmt::format("unknown option {}", name));
        }
    }
    if (!wanted.seconds && !wanted.exchanges) wanted.exchanges = 20'000;
    return wanted;
}

/// The largest value among the samples of one third of the run.
template <typename Member>
std::size_t most_in_third(const std::vector<soak::sample>& samples, std::size_t third,
                          Member member) {
    std::size_t most = 0;
    const std::size_t size = samples.size();
    for (std::size_t at = size * third / 3; at < size * (third + 1) / 3; ++at) {
        most = std::max(most, samples[at].*member);
    }
    return most;
}

/// "" when the last third of the run holds no more than the second; the first warms up.
std::string judge(const std::vector<soak::sample>& samples) {
    if (samples.size() < 9) return "";
    struct quantity {
        const char* name;
        std::size_t soak::sample::* member;
        std::size_t slack;
    };
    const quantity all[] = {{"KiB resident", &soak::sample::resident_kib, 2048},
                            {"descriptors", &soak::sample::descriptors, 24},
                            {"tasks", &soak::sample::tasks, 24},
                            {"frames, tasks and futures", &soak::sample::blocks, 400}};
    for (const quantity& one : all) {
        const std::size_t before = most_in_third(samples, 1, one.member);
        const std::size_t after = most_in_third(samples, 2, one.member);
        fmt::print("  at most {} {} in the second third, {} in the last\n", before, one.name,
                   after);
        if (after > before + before / 4 + one.slack) {
            return fmt::format("{} grow: {}, then {}", one.name, before, after);
        }
    }
    return "";
}

int run_soak(const soak::options& wanted) {
    const std::size_t descriptors = mayhem::testing::open_descriptors();
    const std::size_t blocks = detail::live_blocks();
    std::string trouble;
    {
        runner own;
        int reports = 0;
        own.loop().set_exception_handler([&](event_loop& loop, const exception_context& context) {
            ++reports;
            loop.default_exception_handler(context);
        });
        soak::soak work(wanted);
        try {
            own.run(work.run());
            trouble = judge(work.samples());
        } catch (const std::exception& error) {
            trouble = error.what();
        }
        if (trouble.empty() && reports > 0) trouble = "the exception handler was called";
        const soak::counts& done = work.counted();
        const double took = work.samples().empty() ? 0 : work.samples().back().seconds;
        fmt::print(
            "{} on {}, seed {}: {:.1f} s, {} exchanges, {} connections, {} resets, {} "
            "timeouts, {} cancels, {} listeners, {} posts of threads, {} MiB\n",
            trouble.empty() ? "well" : "FAILED", own.loop().backend_name(), wanted.seed, took,
            done.exchanges, done.connections, done.resets, done.timeouts, done.cancels,
            done.listeners, done.posts, done.bytes >> 20);
        own.close();
    }
    if (trouble.empty() && mayhem::testing::open_descriptors() != descriptors) {
        trouble = "descriptors were leaked";
    }
    if (trouble.empty() && detail::live_blocks() != blocks) trouble = "frames were leaked";
    if (!trouble.empty()) fmt::print("{}\n", trouble);
    return trouble.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

// What is freed stays resident in AddressSanitizer's quarantine until that is full. Of 256 MiB, as
// it is by itself, a short run sees nothing but the beginning, and grows.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=8"; }

int main(int argc, char** argv) {
    soak::options wanted;
    try {
        wanted = parse(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "soak: {}\n", error.what());
        return usage;
    }
    if (asks_for_a_refused_ring()) {
        fmt::print("Skipped: MAYHEM_BACKEND=uring, and the kernel refuses io_uring.\n");
        return skipped;
    }
    return run_soak(wanted);
}
