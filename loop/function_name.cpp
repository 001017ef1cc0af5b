#include "loop/function_name.hpp"

namespace mayhem {
namespace {

/// The position after the bracket that closes the one at `at`.
std::size_t after_group(std::string_view text, std::size_t at) {
    int depth = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '(' || c == '<' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == '>' || c == ']' || c == '}') --depth;
        if (depth == 0) return at + 1;
    }
    return text.size();
}

/// The position after `operator()`, `operator<`, `operator int`, which begins at `at`.
std::size_t after_operator(std::string_view text, std::size_t at) {
    constexpr std::string_view call = "operator()";
    if (text.substr(at).starts_with(call)) return at + call.size();
    const std::size_t parameters = text.find('(', at);
    return parameters == text.npos ? text.size() : parameters;
}

}  // namespace

std::string clean_function_name(std::string_view name) {
    std::string cleaned;
    for (std::size_t at = 0; at < name.size();) {
        const std::string_view rest = name.substr(at);
        const auto begins_with = [rest](std::string_view what) { return rest.starts_with(what); };
        const bool starts_a_part = cleaned.empty() || cleaned.ends_with("::");
        if (begins_with("(anonymous namespace)::") || begins_with("{anonymous}::")) {
            at = name.find("::", at) + 2;
        } else if (begins_with("(anonymous class)")) {  // clang's lambda
            cleaned += "<lambda>";
            at = after_group(name, at);
        } else if (begins_with("<lambda")) {  // g++'s
            cleaned += "<lambda>";
            at = after_group(name, at);
        } else if (starts_a_part && begins_with("operator")) {
            const std::size_t end = after_operator(name, at);
            // A lambda's call operator says nothing that the lambda does not.
            if (cleaned.ends_with("<lambda>::")) {
                cleaned.resize(cleaned.size() - 2);
            } else {
                cleaned += name.substr(at, end - at);
            }
            at = end;
        } else if (rest.front() == ' ') {  // what came before was the type
            cleaned.clear();
            ++at;
        } else if (rest.front() == '<' || rest.front() == '[') {
            const std::size_t end = after_group(name, at);
            cleaned += name.substr(at, end - at);
            at = end;
        } else if (rest.front() == '(') {
            // The parameters of the function itself, or of one that the function is in?
            at = after_group(name, at);
            if (name.substr(at).starts_with(" const::")) at += std::string_view(" const").size();
            if (!name.substr(at).starts_with("::")) break;
        } else {
            cleaned += name[at++];
        }
    }
    return cleaned;
}

}  // namespace mayhem
