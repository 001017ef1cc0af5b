// Addresses come from configurations and command lines. Whatever is parsed is printed and parsed
// again to the same address; whatever is refused is refused with words.

#include "tasks/io/address.hpp"
#include "tests/fuzz/fuzz_target.hpp"

std::vector<std::string> fuzz_examples() {
    return {"127.0.0.1:80",
            "[::1]:65535",
            "unix:/run/app.sock",
            "unix:",
            "[fe80::1%lo]:1",
            "example:80",
            "1.2.3.4:99999",
            "[::1]",
            ":",
            "[::ffff:1.2.3.4]:0",
            "",
            "0.0.0.0:-1",
            "[]:80",
            "[::1]80"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using mayhem::address;
    const auto parsed = address::parse(fuzz_text(data, size));
    if (!parsed) {
        fuzz_require(!parsed.error().empty(), "an address was refused without a word");
        return 0;
    }
    const std::string printed = parsed->to_string();
    const auto again = address::parse(printed);
    fuzz_require(again.has_value(), "what was printed cannot be parsed");
    fuzz_require(*again == *parsed, "what was printed is another address");
    fuzz_require(address::from(parsed->data(), parsed->size()) == *parsed,
                 "the kernel's form is another address");
    return 0;
}
