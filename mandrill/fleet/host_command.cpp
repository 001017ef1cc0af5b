// Options of `mandrill host`; host.hpp says what they mean.
#include "mandrill/fleet/host_command.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <map>

namespace mandrill {
namespace {

void add_duration(CLI::App& command, const std::string& name, std::chrono::milliseconds& into,
                  const std::string& what) {
    static const std::map<std::string, std::int64_t> units{
        {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
    const auto store = [&into](std::int64_t count) { into = std::chrono::milliseconds(count); };
    command.add_option_function<std::int64_t>(name, store, what)
        ->transform(CLI::AsNumberWithUnit(units))
        ->type_name("DURATION")
        ->default_str(fmt::format("{}ms", into.count()));
}

}  // namespace

void add_host_options(CLI::App& command, host_options& into) {
    command.add_option("--name", into.name, "Instance name, cattle-zpsk")->required();
    command.add_option("--ledger", into.ledger, "File to which the boot is written")->required();
    add_duration(command, "--boot-delay", into.boot_delay, "How long it takes to boot");
    command.add_flag("--stubborn", into.stubborn, "Ignore SIGTERM");
    add_duration(command, "--orphan-after", into.orphan_after,
                 "Exit when nobody has asked for its health for so long");
    command.add_option("--request", into.request, "The request that it is restarted for");
}

std::vector<std::string> host_arguments(const host_options& options) {
    // `--request=ID`, in one word: an id that begins with a dash is not an option.
    std::vector<std::string> arguments{
        "host",
        "--name=" + options.name,
        "--ledger=" + options.ledger.string(),
        fmt::format("--boot-delay={}ms", options.boot_delay.count()),
        fmt::format("--orphan-after={}ms", options.orphan_after.count()),
    };
    if (options.stubborn) arguments.emplace_back("--stubborn");
    if (!options.request.empty()) arguments.push_back("--request=" + options.request);
    return arguments;
}

}  // namespace mandrill
