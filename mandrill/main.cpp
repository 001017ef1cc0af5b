// The `mandrill` program: parses the command line, runs one command, and turns whatever goes wrong
// into one sentence and an exit code.
#include <exception>
#include <fmt/format.h>

#include "loop/error.hpp"
#include "mandrill/cli/commands.hpp"
#include "mandrill/cli/values.hpp"
#include "mandrill/store/error.hpp"

namespace {

using namespace mandrill;

int report(const std::exception& error, int code) {
    fmt::print(stderr, "mandrill: {}\n", error.what());
    return code;
}

int run(const cli::action& chosen) {
    try {
        return chosen();
    } catch (const store_error& error) {
        return report(error, cli::unavailable);
    } catch (const lookup_error& error) {
        return report(error, cli::bad_data);
    } catch (const std::system_error& error) {
        return report(error, cli::unavailable);
    } catch (const std::logic_error& error) {
        return report(error, cli::internal);
    } catch (const std::exception& error) {
        return report(error, cli::unavailable);
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app(
        "Mandrill restarts hosts at random, and on request, without losing a request or "
        "restarting a host twice for one.");
    app.require_subcommand(1);
    app.name("mandrill");
    cli::action chosen;
    cli::add_demo(app, chosen);
    cli::add_request(app, chosen);
    cli::add_hosts(app, chosen);
    cli::add_list(app, chosen);
    cli::add_show(app, chosen);
    cli::add_host(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // Asking for help is no error; everything else is one of usage.
        return app.exit(error) == 0 ? cli::ok : cli::usage;
    }
    return run(chosen);
}
