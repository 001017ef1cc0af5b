// Runs every program of a file over mayhem, each on a fresh loop with a virtual clock, and prints
// its trace: the C++ half of the differential test.
//
//     interpreter BACKEND FILE
//
// Prints a line `program NUMBER` before each trace, and writes it out at once, so that whoever
// reads knows which program a crash belongs to.
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

#include "tests/differential/interpreter/world.hpp"

namespace mayhem::differential {
namespace {

std::vector<std::string> run_program(const node& program, backend_kind backend) {
    std::vector<std::string> trace;
    run_options options;
    options.loop.backend = backend;
    options.loop.virtual_clock = true;
    options.handle_interrupt = false;
    world own(program, trace);  // outlives the loop: tasks that are left refer to it
    runner loop(options);
    // Errors that nobody looks at are part of many programs.
    loop.loop().set_exception_handler([](event_loop&, const exception_context&) {});
    const std::string time_before = "";
    try {
        loop.run(own.harness());
        own.say("loop", "finished");
    } catch (const deadlock&) {
        own.say("loop", "deadlock" + own.alive());
    }
    own.mute();
    return trace;
}

}  // namespace
}  // namespace mayhem::differential

int main(int argc, char** argv) {
    using namespace mayhem::differential;
    if (argc != 3) {
        fmt::print(stderr, "usage: interpreter BACKEND FILE\n");
        return 2;
    }
    const auto backend = mayhem::parse_backend(argv[1]);
    if (!backend) {
        fmt::print(stderr, "{}\n", backend.error());
        return 2;
    }
    std::ifstream file(argv[2]);
    for (const node& program : parse_programs(file)) {
        fmt::print("program {}\n", program.name());
        std::fflush(stdout);
        std::string text;
        for (const std::string& line : run_program(program, *backend)) text += line + "\n";
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }
    return 0;
}
