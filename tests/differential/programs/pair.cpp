// Runs one or all of the C++ programs of this folder, and prints their traces.
//
//     pairs BACKEND
#include "tests/differential/programs/pair.hpp"

#include <cstdio>
#include <map>
#include <string>

namespace mayhem::differential {
namespace {

time_point start;

std::map<std::string, coro<void> (*)()>& all_pairs() {
    static std::map<std::string, coro<void> (*)()> pairs;
    return pairs;
}

void run_pair(coro<void> (*body)(), backend_kind backend) {
    run_options options;
    options.loop.backend = backend;
    options.loop.virtual_clock = true;
    options.handle_interrupt = false;
    runner own(options);
    own.loop().set_exception_handler([](event_loop&, const exception_context&) {});
    start = own.loop().time();
    const char* end = "finished";
    try {
        own.run(body());
    } catch (const deadlock&) {
        end = "deadlock";
    }
    fmt::print("{}\n", end);
    start = never;  // what happens while the loop closes is not compared
}

}  // namespace

void trace_event(std::string_view text) {
    if (start == never) return;
    const std::chrono::duration<double> passed = get_running_loop().time() - start;
    fmt::print("{:g} {}\n", passed.count(), text);
}

bool register_pair(const char* name, coro<void> (*body)()) {
    return all_pairs().emplace(name, body).second;
}

}  // namespace mayhem::differential

int main(int argc, char** argv) {
    using namespace mayhem::differential;
    if (argc != 2) {
        fmt::print(stderr, "usage: pairs BACKEND\n");
        return 2;
    }
    const auto backend = mayhem::parse_backend(argv[1]);
    if (!backend) {
        fmt::print(stderr, "{}\n", backend.error());
        return 2;
    }
    for (const auto& [name, body] : all_pairs()) {
        fmt::print("program {}\n", name);
        run_pair(body, *backend);
        std::fflush(stdout);
    }
    return 0;
}
