#include "mandrill/service/request_socket.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "loop/log.hpp"
#include "mandrill/service/foreign_text.hpp"

namespace mandrill {

using mayhem::log;
using mayhem::log_level;

namespace {

constexpr std::size_t line_length_max = 64 * 1024;

/// A peer that says nothing for so long is shown out.
constexpr std::chrono::seconds idle_max{30};

std::string error_answer(const std::string& problem) {
    const nlohmann::json answer{{"error", problem}};
    return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

bool is_allowed(const mayhem::peer_credentials& peer) {
    return peer.uid == ::geteuid() || peer.uid == 0;
}

mayhem::coro<std::string> answer_to(intake& requests, std::string line) {
    if (line == list_hosts_question) {
        co_return nlohmann::json{{"hosts", requests.hosts()}}.dump() + "\n";
    }
    const auto given = co_await requests.accept(std::move(line), origin::request);
    if (!given) co_return error_answer(given.error());
    log(log_level::info, "Accepted request {} from another terminal", readable(given->id));
    const nlohmann::json answer{{"id", given->id}, {"duplicate", given->duplicate}};
    co_return answer.dump() + "\n";
}

mayhem::coro<void> serve_lines(intake& requests, mayhem::unix_stream& peer) {
    if (!is_allowed(peer.credentials())) {
        co_await peer.write_all(error_answer("permission denied: not the service's user"));
        co_return;
    }
    mayhem::line_reader lines(peer, line_length_max);
    for (;;) {
        auto line = co_await mayhem::timeout(idle_max, lines.read_line());
        if (!line) co_return;
        std::string answer;
        try {
            answer = co_await answer_to(requests, std::move(*line));
        } catch (const std::exception& error) {
            answer = error_answer(error.what());
        }
        co_await peer.write_all(answer);
    }
}

mayhem::coro<void> serve_peer(intake& requests, mayhem::unix_stream peer) {
    try {
        co_await serve_lines(requests, peer);
    } catch (const std::exception& error) {
        log(log_level::debug, "A client of the request socket: {}", error.what());
    }
}

}  // namespace

mayhem::coro<void> serve_requests(intake& requests, std::filesystem::path socket) {
    auto listener = mayhem::unix_listener::bind(socket.string());
    auto body = [&](mayhem::task_group& peers) -> mayhem::coro<void> {
        for (;;) {
            mayhem::unix_stream peer = co_await listener.accept();
            peers.create_task(serve_peer(requests, std::move(peer)), "request socket client");
        }
    };
    co_await mayhem::with_task_group(body);
}

}  // namespace mandrill
