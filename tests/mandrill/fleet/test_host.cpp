// A host for the fleet's tests: what `mandrill host` runs, without the rest of mandrill. The
// environment can make it misbehave in ways that a good host never would:
//
//   TEST_HOST_DIES_OF=FILE    dies before it boots, as long as FILE exists
//   TEST_HOST_HANGS_ON=FILE   never comes up, as long as FILE exists
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <unistd.h>

#include "mandrill/fleet/host_command.hpp"
#include "tasks/run.hpp"

namespace {

bool is_asked_to(const char* misbehaviour) {
    const char* file = std::getenv(misbehaviour);
    return file != nullptr && std::filesystem::exists(file);
}

}  // namespace

int main(int argc, char** argv) {
    if (is_asked_to("TEST_HOST_DIES_OF")) {
        std::cout << mandrill::boot_error_prefix << "no operating system found" << "\n";
        return 3;
    }
    while (is_asked_to("TEST_HOST_HANGS_ON")) ::pause();
    CLI::App app{"A host for tests"};
    mandrill::host_options options;
    mandrill::add_host_options(*app.add_subcommand("host")->required(), options);
    CLI11_PARSE(app, argc, argv);
    mayhem::run_options how;
    how.handle_interrupt = false;
    return mayhem::run(mandrill::run_host(options), how);
}
