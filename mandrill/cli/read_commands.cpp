// `mandrill ls` and `mandrill show`: they open the database read-only, beside a running service.
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "mandrill/cli/commands.hpp"
#include "mandrill/cli/values.hpp"
#include "mandrill/service/foreign_text.hpp"
#include "mandrill/service/service.hpp"
#include "mandrill/store/message_reader.hpp"

namespace mandrill::cli {
namespace {

struct read_options {
    std::string state_directory = default_state_directory().string();
    std::string state;
    std::size_t limit = 50;
    std::string id;
};

void add_state_directory(CLI::App& command, read_options& options) {
    command.add_option("--state-dir", options.state_directory, "Where the service keeps its state")
        ->capture_default_str();
}

int list_messages(const read_options& options) {
    message_reader reader(database_file(options.state_directory));
    std::optional<message_state> only;
    if (!options.state.empty()) only = parse_message_state(options.state);
    const auto found = reader.list(only, options.limit);
    fmt::print("{:<13} {:<8} {:<23} {:<8} {:>4} {:>5}  {}\n", "HOST", "STATE", "PUBLISHED", "ID",
               "TRY", "FAIL", "REASON");
    for (const message_status& one : found) {
        fmt::print("{:<13} {:<8} {:<23} {:<8} {:>4} {:>5}  {}\n", one.what.host,
                   to_string(one.state), format_time(one.what.published_at),
                   readable(one.what.id.substr(0, 8)), one.deliveries, one.failures,
                   readable(one.last_reason.empty() ? one.what.reason : one.last_reason));
    }
    if (found.size() == options.limit) {
        fmt::print("... the newest {}; --limit shows more\n", options.limit);
    }
    return ok;
}

int show_message(const read_options& options) {
    message_reader reader(database_file(options.state_directory));
    const message_history history = reader.history(options.id);
    const message_status& status = history.status;
    fmt::print("id         {}\nhost       {}\nstate      {}\nsource     {}\n",
               readable(status.what.id), hostname(status.what), to_string(status.state),
               to_string(status.what.source));
    if (!status.what.reason.empty()) fmt::print("reason     {}\n", readable(status.what.reason));
    if (!status.what.owner.empty()) fmt::print("owner      {}\n", readable(status.what.owner));
    fmt::print("deliveries {}\nextensions {}\nfailures   {}\n\n", status.deliveries,
               status.extensions, status.failures);
    for (const history_event& event : history.events) {
        fmt::print("{}  {:<10} {}{}\n", format_time(event.at), event.what,
                   event.delivery > 0 ? fmt::format("delivery {}  ", event.delivery) : "",
                   readable(event.detail));
    }
    return ok;
}

}  // namespace

void add_list(CLI::App& app, action& chosen) {
    auto options = std::make_shared<read_options>();
    CLI::App* command =
        app.add_subcommand("ls", "Lists the messages in the database, newest first");
    command->add_option("--state", options->state, "Only messages in this state")
        ->check(CLI::IsMember({"waiting", "ready", "leased", "acked", "dead"}));
    command->add_option("--limit", options->limit, "How many at most")->capture_default_str();
    add_state_directory(*command, *options);
    command->callback(
        [&chosen, options] { chosen = [options] { return list_messages(*options); }; });
}

void add_show(CLI::App& app, action& chosen) {
    auto options = std::make_shared<read_options>();
    CLI::App* command = app.add_subcommand("show", "Shows everything that happened to one message");
    command->add_option("id", options->id, "The request's id, or its beginning")->required();
    add_state_directory(*command, *options);
    command->callback(
        [&chosen, options] { chosen = [options] { return show_message(*options); }; });
}

}  // namespace mandrill::cli
