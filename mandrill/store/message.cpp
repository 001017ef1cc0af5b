// Names of the enumerators, as they are printed and as the database spells them.
#include "mandrill/store/message.hpp"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "mandrill/store/error.hpp"

namespace mandrill {

namespace {

constexpr std::array origins{origin::random, origin::request, origin::standard_input};
constexpr std::array states{message_state::waiting, message_state::ready, message_state::leased,
                            message_state::acked, message_state::dead};

template <class Enum, std::size_t N>
Enum parse(std::string_view name, const std::array<Enum, N>& values, std::string_view kind) {
    std::string known;
    for (const Enum value : values) {
        if (to_string(value) == name) return value;
        known += fmt::format("{}{}", known.empty() ? "" : ", ", to_string(value));
    }
    throw lookup_error(fmt::format("'{}' is not a {}; it is one of: {}", name, kind, known));
}

}  // namespace

std::string_view to_string(origin where) {
    switch (where) {
        case origin::random:
            return "random";
        case origin::request:
            return "request";
        case origin::standard_input:
            return "stdin";
    }
    return "?";
}

std::string_view to_string(stage reached) {
    switch (reached) {
        case stage::fresh:
            return "fresh";
        case stage::intended:
            return "intended";
        case stage::failed:
            return "failed";
        case stage::done:
            return "done";
    }
    return "?";
}

std::string_view to_string(message_state state) {
    switch (state) {
        case message_state::waiting:
            return "waiting";
        case message_state::ready:
            return "ready";
        case message_state::leased:
            return "leased";
        case message_state::acked:
            return "acked";
        case message_state::dead:
            return "dead";
    }
    return "?";
}

origin parse_origin(std::string_view name) { return parse(name, origins, "source of requests"); }

message_state parse_message_state(std::string_view name) {
    return parse(name, states, "state of a message");
}

std::string to_string(const message& what) {
    return fmt::format("Message(inst_name='{}')", what.host);
}

std::string hostname(const message& what) { return what.host + ".example.net"; }

next_step next_step_for(const delivery& mine, const std::optional<std::string>& boot_id_now) {
    switch (mine.reached) {
        case stage::fresh:
            return next_step::restart;
        case stage::intended:
            return boot_id_now == mine.boot_id_before ? next_step::restart : next_step::verify;
        case stage::failed:
            return !boot_id_now || *boot_id_now == mine.boot_id_before ? next_step::restart
                                                                       : next_step::verify;
        case stage::done:
            return next_step::acknowledge;
    }
    return next_step::verify;
}

request::request(std::string id_, std::string host_, std::string reason_, std::string owner_,
                 origin source_)
    : id(std::move(id_)),
      host(std::move(host_)),
      reason(std::move(reason_)),
      owner(std::move(owner_)),
      source(source_) {}

}  // namespace mandrill
