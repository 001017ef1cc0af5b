// Values of the command line: durations, rates, and what the service tells its hosts on theirs.

#include <cmath>
#include <stdexcept>

#include "mandrill/cli/values.hpp"
#include "mandrill/fleet/host_command.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

void check_duration(const std::string& text) {
    try {
        const std::chrono::nanoseconds read = mandrill::cli::parse_duration(text);
        fuzz_require(read >= read.zero(), "a duration is negative");
        fuzz_require(read <= std::chrono::seconds(1'000'000'000), "a duration is too long");
    } catch (const std::invalid_argument& refused) {
        fuzz_require(*refused.what() != '\0', "a duration was refused without a word");
    }
}

void check_rate(const std::string& text) {
    try {
        const double rate = mandrill::cli::parse_rate(text);
        // The pause between two requests is a number of seconds that a timer can hold.
        fuzz_require(rate == 0 || (rate >= 1e-9 && rate <= 1e6), "a rate cannot be kept");
    } catch (const std::invalid_argument& refused) {
        fuzz_require(*refused.what() != '\0', "a rate was refused without a word");
    }
}

/// The id of a request is a stranger's, and one of a host's arguments.
void check_host_arguments(const std::string& text) {
    if (text.find('\0') != text.npos) return;  // parse_request refuses those
    mandrill::host_options written("cattle-zpsk", "/tmp/ledger");
    written.request = text;
    std::vector<std::string> arguments = host_arguments(written);
    arguments.erase(arguments.begin());  // the command
    std::vector<const char*> argv{"mandrill"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    mandrill::host_options read;
    CLI::App app;
    mandrill::add_host_options(app, read);
    try {
        app.parse(static_cast<int>(argv.size()), argv.data());
    } catch (const CLI::Error& refused) {
        fuzz_require(false, refused.what());
    }
    fuzz_require(read.request == written.request, "a host is told another request's id");
}

}  // namespace

std::vector<std::string> fuzz_examples() {
    return {"10s",   "500ms", "2m",    "1h",    "0",    "2/s",    "30/m",    "0.5/h",
            "1e9s",  "-1s",   "nan/s", "inf/s", "1e-9", "1e-308", "1e308/s", "0x1p3s",
            " 3s",   "+4ms",  "1e",    "s",     "",     "--r-1",  "'r' \"1", "{[r]}",
            "a,b;c", "%s",    "==",    "\xff",  "\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz_text(data, size));
    check_duration(text);
    check_rate(text);
    check_host_arguments(text);
    return 0;
}
