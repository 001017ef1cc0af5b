#include "tasks/exception_group.hpp"

#include <fmt/format.h>

#include "tasks/coro/result.hpp"

namespace mayhem {
namespace {

std::string list(const std::string& message, const std::vector<std::exception_ptr>& exceptions) {
    std::string text = fmt::format("{} ({} sub-exception{})", message, exceptions.size(),
                                   exceptions.size() == 1 ? "" : "s");
    const char* separator = ": ";
    for (const std::exception_ptr& exception : exceptions) {
        text += separator + describe_exception(exception);
        separator = "; ";
    }
    return text;
}

void flatten_into(std::vector<std::exception_ptr>& flat, const exception_group& group) {
    for (const std::exception_ptr& exception : group.exceptions()) {
        try {
            std::rethrow_exception(exception);
        } catch (const exception_group& inner) {
            flatten_into(flat, inner);
        } catch (...) {
            flat.push_back(exception);
        }
    }
}

}  // namespace

exception_group::exception_group(const std::string& message,
                                 std::vector<std::exception_ptr> exceptions) {
    auto made = std::make_shared<content>();
    made->what = list(message, exceptions);
    made->exceptions = std::move(exceptions);
    content_ = std::move(made);
}

std::vector<std::exception_ptr> exception_group::flatten() const {
    std::vector<std::exception_ptr> flat;
    flatten_into(flat, *this);
    return flat;
}

std::string describe_exception(const std::exception_ptr& exception) {
    if (!exception) return "no exception";
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        return error.what();
    } catch (const cancelled&) {
        return "cancelled";
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

}  // namespace mayhem
