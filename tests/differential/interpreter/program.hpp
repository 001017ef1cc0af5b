// A generated program as a tree of lines; language.py is the same for Python and tells the form.
// It refuses to know what the operations mean, and trusts its input: the generator wrote it.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace mayhem::differential {

/// An argument: a word, and the number in it, 3 for both `3` and `t3`; none for `none`.
struct word {
    std::string text;
    std::optional<int> number;
};

/// One line, and the lines below it.
struct node {
    std::string op;
    std::vector<word> args;
    std::vector<node> children;

    [[nodiscard]] int number(std::size_t index) const { return args.at(index).number.value(); }
    [[nodiscard]] const std::string& name(std::size_t index = 0) const {
        return args.at(index).text;
    }
};

/// Every program in the text, in order.
[[nodiscard]] std::vector<node> parse_programs(std::istream& text);

}  // namespace mayhem::differential
