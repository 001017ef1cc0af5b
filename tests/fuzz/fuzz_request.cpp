// Lines from the request socket and from standard input. What is accepted names a host of the
// fleet; what is refused is refused with one line that is fit for a log and a terminal.

#include <algorithm>

#include "mandrill/restart/simulated.hpp"
#include "mandrill/service/foreign_text.hpp"
#include "mandrill/service/request_line.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

bool is_control(char one) { return (one >= 0 && one < ' ') || one == '\x7f'; }

}  // namespace

std::vector<std::string> fuzz_examples() {
    return {R"({"host":"cattle-a"})",
            R"({"host":"HOST"})",
            R"({"host":"HOST","reason":"why","owner":"who","id":"r1"})",
            R"({"host":"cattle-zzz!","id":""})",
            R"({"host":["cattle-aaaa"],"id":7})",
            R"({"host":"cattle-aaaa","hots":"x"})",
            R"([{"host":null}])",
            R"({"host":"\u0000cattle-aaaa\ud800\udc00"})",
            R"({"ho\nst":1})",
            R"({"host":"cattle\n\u001b[31m\u009b"})",
            R"({{{{{{{{[[[[[[[["""""""])",
            R"({"id":-1.5e308,"host":1e400})",
            "",
            "\xff\xfe{"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const mandrill::simulated_restarter fleet{mandrill::simulated_options()};
    std::string line(fuzz_text(data, size));
    // No chance would find the name of a host.
    if (const auto at = line.find("HOST"); at != line.npos) line.replace(at, 4, fleet.hosts()[0]);
    const auto wish = mandrill::parse_request(line, mandrill::origin::request, fleet);
    if (wish) {
        fuzz_require(fleet.knows(wish->host), "a request for a host that is none was accepted");
        fuzz_require(wish->id.find('\0') == wish->id.npos, "an id that no command line can hold");
    } else {
        fuzz_require(!wish.error().empty(), "a request was refused without a word");
        fuzz_require(wish.error().size() < 400, "a refusal is as long as what was refused");
        fuzz_require(std::ranges::none_of(wish.error(), is_control), "a refusal moves the cursor");
    }
    fuzz_require(std::ranges::none_of(mandrill::readable(line), is_control),
                 "what is readable moves the cursor");
    return 0;
}
