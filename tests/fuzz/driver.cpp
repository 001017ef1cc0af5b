// Runs a fuzz target on seeded inputs: mutations of its examples. libFuzzer does that far better,
// since it sees what an input reaches; this is for compilers without it, and for a short run with
// every other test. See README.md.
//
//     fuzz_address --runs 20000 --seed 1     run number n has seed + n
//     fuzz_address --write FOLDER            writes the examples, as a corpus to begin with
//     fuzz_address FILE...                   runs these inputs

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/fuzz_target.hpp"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr int usage = 64;

const char* program = "";
unsigned long long current_seed = 0;

void tell_seed() {
    std::fprintf(stderr, "\nrepeat it: %s --runs 1 --seed %llu\n", program, current_seed);
}

void on_abort(int) {
    tell_seed();
    std::signal(SIGABRT, SIG_DFL);
}

class mutator {
  public:
    explicit mutator(std::uint64_t seed) : random_(seed) {}

    std::string make() {
        static const std::vector<std::string> examples = fuzz_examples();
        std::string made = examples[draw(examples.size())];
        for (std::uint64_t left = draw(8); left > 0; --left) {
            mutate(made, examples[draw(examples.size())]);
        }
        return made;
    }

  private:
    void mutate(std::string& bytes, std::string_view other) {
        const std::size_t at = draw(bytes.size() + 1);
        const auto any = static_cast<char>(draw(256));
        switch (draw(7)) {
            case 0:
                bytes.insert(at, 1, any);
                break;
            case 1:
                bytes.erase(at, 1);
                break;
            case 2:
                if (at < bytes.size()) bytes[at] = any;
                break;
            case 3:  // the same again
                bytes += std::string(bytes, at, draw(32));
                break;
            case 4:  // a character that is there already, elsewhere
                if (!bytes.empty()) bytes.insert(at, 1, bytes[draw(bytes.size())]);
                break;
            case 5: {  // a part of another example
                const std::size_t from = draw(other.size() + 1);
                bytes.insert(at, other.substr(from, draw(32)));
                break;
            }
            default:
                bytes.resize(at);
        }
    }

    std::size_t draw(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
    std::mt19937_64 random_;
};

void run_one(const std::string& input) {
    // A copy of exactly this size on the heap, so that AddressSanitizer sees a byte too many.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int run_seeds(unsigned long long runs, unsigned long long seed) {
    std::signal(SIGABRT, &on_abort);
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(&tell_seed);
    for (unsigned long long run = 0; run < runs; ++run) {
        current_seed = seed + run;
        run_one(mutator(current_seed).make());
    }
    std::printf("%llu inputs, from seed %llu on\n", runs, seed);
    return EXIT_SUCCESS;
}

int run_files(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        std::ifstream file(name, std::ios::binary);
        run_one(std::string(std::istreambuf_iterator<char>(file), {}));
    }
    return EXIT_SUCCESS;
}

int write_examples(const std::string& folder) {
    int number = 0;
    for (const std::string& example : fuzz_examples()) {
        std::ofstream file(folder + "/example-" + std::to_string(++number), std::ios::binary);
        if (!(file << example)) return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    program = argv[0];
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    unsigned long long runs = 20'000;
    unsigned long long seed = 1;
    if (!arguments.empty() && !arguments[0].starts_with("--")) return run_files(arguments);
    if (arguments.size() % 2 != 0) return usage;
    for (std::size_t at = 0; at < arguments.size(); at += 2) {
        const std::string& value = arguments[at + 1];
        if (arguments[at] == "--write") return write_examples(value);
        if (arguments[at] == "--runs") {
            runs = std::stoull(value);
        } else if (arguments[at] == "--seed") {
            seed = std::stoull(value);
        } else {
            return usage;
        }
    }
    return run_seeds(runs, seed);
}
