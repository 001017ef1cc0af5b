// `mandrill host`: one host of the demo's fleet. The fleet starts it; nobody types it.
#include "mandrill/fleet/host_command.hpp"

#include <memory>

#include "mandrill/cli/commands.hpp"
#include "tasks/run.hpp"

namespace mandrill::cli {

void add_host(CLI::App& app, action& chosen) {
    auto options = std::make_shared<host_options>();
    CLI::App* command = app.add_subcommand("host", "One host of the demo's fleet (internal)");
    add_host_options(*command, *options);
    command->callback([&chosen, options] {
        chosen = [options] {
            mayhem::run_options how;
            how.handle_interrupt = false;  // Ctrl-C is meant for the service, not for its hosts
            return mayhem::run(run_host(*options), how);
        };
    });
}

}  // namespace mandrill::cli
