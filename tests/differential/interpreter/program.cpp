#include "tests/differential/interpreter/program.hpp"

#include <sstream>

namespace mayhem::differential {
namespace {

word parse_word(const std::string& text) {
    const std::size_t digits = text.find_first_of("-0123456789");
    if (digits == std::string::npos) return {text, std::nullopt};
    return {text, std::stoi(text.substr(digits))};
}

node parse_line(const std::string& line) {
    std::istringstream words(line);
    node parsed;
    words >> parsed.op;
    for (std::string text; words >> text;) parsed.args.push_back(parse_word(text));
    return parsed;
}

}  // namespace

std::vector<node> parse_programs(std::istream& text) {
    node root;
    for (std::string line; std::getline(text, line);) {
        const std::size_t margin = line.find_first_not_of(' ');
        if (margin == std::string::npos || line[margin] == '#') continue;
        node* parent = &root;
        for (std::size_t depth = margin / 2; depth > 0; --depth) parent = &parent->children.back();
        parent->children.push_back(parse_line(line));
    }
    return std::move(root.children);
}

}  // namespace mayhem::differential
