// `mandrill request` and `mandrill hosts`: speak to a running service, over its unix socket.
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>

#include "mandrill/cli/commands.hpp"
#include "mandrill/cli/values.hpp"
#include "mandrill/service/request_socket.hpp"
#include "mandrill/service/service.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill::cli {
namespace {

constexpr std::chrono::seconds answer_max{10};
constexpr std::size_t line_length_max = 64 * 1024;

struct request_options {
    std::string host;
    std::string reason;
    std::string owner;
    std::string id;
    std::string state_directory = default_state_directory().string();
};

mayhem::coro<std::string> ask(std::string socket, std::string question) {
    auto service = co_await mayhem::unix_stream::connect(socket);
    co_await service.write_all(question);
    mayhem::line_reader lines(service, line_length_max);
    auto answer = co_await mayhem::timeout(answer_max, lines.read_line());
    if (!answer) throw std::runtime_error("the service closed the connection without an answer");
    co_return std::move(*answer);
}

int report(const std::string& host, const nlohmann::json& parsed) {
    if (const auto error = parsed.find("error"); error != parsed.end()) {
        fmt::print(stderr, "mandrill: refused: {}\n", error->get<std::string>());
        return bad_data;
    }
    const auto id = parsed.at("id").get<std::string>();
    if (parsed.at("duplicate").get<bool>()) {
        fmt::print("{} was requested before, as {}; nothing was added\n", host, id);
    } else {
        fmt::print("Requested a restart of {}, as {}\n", host, id);
    }
    return ok;
}

/// Sends one line to the service, and lets `report` make an exit code of the answer.
template <typename Report>
int converse(const std::string& state_directory, const std::string& line, Report report) {
    const auto socket = socket_file(state_directory);
    try {
        return report(nlohmann::json::parse(mayhem::run(ask(socket.string(), line))));
    } catch (const std::system_error& error) {
        fmt::print(stderr,
                   "mandrill: no service answers at {} ({}); start one with `mandrill demo`, or "
                   "name its directory with --state-dir\n",
                   socket.string(), error.code().message());
        return unavailable;
    }
}

int send_request(const request_options& options) {
    nlohmann::json question{{"host", options.host}, {"reason", options.reason}};
    question["owner"] = options.owner.empty() ? fmt::format("uid {}", ::getuid()) : options.owner;
    if (!options.id.empty()) question["id"] = options.id;
    const std::string line =
        question.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return converse(options.state_directory, line,
                    [&](const nlohmann::json& answer) { return report(options.host, answer); });
}

int list_hosts(const request_options& options) {
    return converse(options.state_directory, std::string(list_hosts_question) + "\n",
                    [](const nlohmann::json& answer) {
                        for (const auto& host : answer.at("hosts")) {
                            fmt::print("{}\n", host.get<std::string>());
                        }
                        return int{ok};
                    });
}

void add_state_directory(CLI::App& command, request_options& options) {
    command.add_option("--state-dir", options.state_directory, "Where the service keeps its state")
        ->capture_default_str();
}

}  // namespace

void add_request(CLI::App& app, action& chosen) {
    auto options = std::make_shared<request_options>();
    CLI::App* command = app.add_subcommand("request", "Asks a running service to restart one host");
    command->add_option("host", options->host, "The instance, like cattle-zpsk")->required();
    command->add_option("--reason", options->reason, "Why; kept in the database");
    command->add_option("--owner", options->owner, "Who asks; your user id by default");
    command->add_option("--id", options->id,
                        "The request's id: asking twice with one id is asking once");
    add_state_directory(*command, *options);
    command->callback(
        [&chosen, options] { chosen = [options] { return send_request(*options); }; });
}

void add_hosts(CLI::App& app, action& chosen) {
    auto options = std::make_shared<request_options>();
    CLI::App* command = app.add_subcommand("hosts", "Lists the hosts of a running service");
    add_state_directory(*command, *options);
    command->callback([&chosen, options] { chosen = [options] { return list_hosts(*options); }; });
}

}  // namespace mandrill::cli
