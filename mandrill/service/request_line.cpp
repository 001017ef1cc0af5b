#include "mandrill/service/request_line.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "mandrill/service/foreign_text.hpp"

namespace mandrill {

namespace {

/// The text of a member, empty when it is missing; an error when it is something else.
std::expected<std::string, std::string> text_member(const nlohmann::json& object,
                                                    const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return std::string();
    if (found->is_string()) return found->get<std::string>();
    return std::unexpected(fmt::format("\"{}\" must be a string", name));
}

}  // namespace

std::expected<request, std::string> parse_request(const std::string& line, origin source,
                                                  const restarter& fleet) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded()) return std::unexpected("not JSON; expected {\"host\":\"NAME\"}");
    if (!object.is_object()) return std::unexpected("not a JSON object: {\"host\":\"NAME\"}");
    for (const auto& [name, unused] : object.items()) {
        if (name != "host" && name != "reason" && name != "owner" && name != "id") {
            return std::unexpected(fmt::format(
                "unknown member {}; known are host, reason, owner, id", in_quotes(name)));
        }
    }
    const auto host = text_member(object, "host");
    const auto reason = text_member(object, "reason");
    const auto owner = text_member(object, "owner");
    const auto id = text_member(object, "id");
    for (const auto* member : {&host, &reason, &owner, &id}) {
        if (!*member) return std::unexpected(member->error());
    }
    if (host->empty()) return std::unexpected("\"host\" is missing");
    if (id->find('\0') != id->npos) {  // it becomes an argument of a process
        return std::unexpected("\"id\" must not contain a zero character");
    }
    if (!fleet.knows(*host)) {
        return std::unexpected(
            fmt::format("unknown host {}; the fleet has {} hosts, the first is {}",
                        in_quotes(*host), fleet.hosts().size(), fleet.hosts().front()));
    }
    return request(*id, *host, *reason, *owner, source);
}

}  // namespace mandrill
