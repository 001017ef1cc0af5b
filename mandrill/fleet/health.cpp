#include "mandrill/fleet/health.hpp"

#include <array>
#include <cstddef>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

#include "tasks/timeout.hpp"

namespace mandrill {
namespace {

/// The longest question or answer that is listened to.
constexpr std::size_t bytes_max = 1024;

using byte_buffer = std::array<std::byte, bytes_max>;

std::string_view as_text(const byte_buffer& buffer, std::size_t size) {
    return {reinterpret_cast<const char*>(buffer.data()), size};
}

mayhem::coro<std::optional<health>> ask(std::uint16_t port) {
    mayhem::tcp_stream peer = co_await mayhem::tcp_stream::connect(mayhem::address::loopback(port));
    co_await peer.write_all("GET / HTTP/1.0\r\n\r\n");
    byte_buffer buffer;
    std::size_t size = 0;
    while (size < buffer.size()) {
        const auto room = std::span(buffer).subspan(size);
        const std::size_t came = co_await peer.read_some(room);
        if (came == 0) break;  // the end of the answer is the end of the stream
        size += came;
    }
    co_return parse_http_answer(as_text(buffer, size));
}

mayhem::coro<bool> converse(mayhem::tcp_stream peer, health state) {
    byte_buffer buffer;
    std::size_t size = 0;
    while (as_text(buffer, size).find('\n') == std::string_view::npos) {
        const auto room = std::span(buffer).subspan(size);
        const std::size_t came = room.empty() ? 0 : co_await peer.read_some(room);
        if (came == 0) co_return false;  // too long, or the peer has hung up
        size += came;
    }
    const std::string answer = to_http_answer(state);
    co_await peer.write_all(answer);
    // Closing now, with the rest of the question unread, would reset the connection and might take
    // the answer with it. So: say that this is all, and read until the peer hangs up.
    peer.shutdown_write();
    do {
        size = co_await peer.read_some(std::span(buffer));
    } while (size > 0);
    co_return true;
}

}  // namespace

std::string to_http_answer(const health& state) {
    const nlohmann::ordered_json body = {{"host", state.host},
                                         {"boot_id", state.boot_id},
                                         {"pid", state.pid},
                                         {"uptime_ms", state.uptime_ms}};
    const std::string text = body.dump() + '\n';
    return fmt::format(
        "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        text.size(), text);
}

std::optional<health> parse_http_answer(std::string_view answer) {
    constexpr std::string_view end_of_head = "\r\n\r\n";
    const std::size_t head = answer.find(end_of_head);
    if (head == std::string_view::npos) return std::nullopt;
    if (!answer.starts_with("HTTP/1.0 200 ") && !answer.starts_with("HTTP/1.1 200 ")) {
        return std::nullopt;
    }
    const auto body = nlohmann::json::parse(answer.substr(head + end_of_head.size()), nullptr,
                                            /*allow_exceptions=*/false);
    if (!body.is_object()) return std::nullopt;
    try {
        health state;
        body.at("host").get_to(state.host);
        body.at("boot_id").get_to(state.boot_id);
        body.at("pid").get_to(state.pid);
        body.at("uptime_ms").get_to(state.uptime_ms);
        return state;
    } catch (const nlohmann::json::exception&) {  // a key is missing or of another type
        return std::nullopt;
    }
}

mayhem::coro<std::optional<health>> ask_health(std::uint16_t port,
                                               std::chrono::milliseconds limit) {
    try {
        co_return co_await mayhem::timeout(limit, ask(port));
    } catch (const mayhem::timeout_error&) {
    } catch (const std::system_error&) {  // refused, reset: nobody, or somebody who is dying
    }
    co_return std::nullopt;
}

mayhem::coro<bool> answer_health(mayhem::tcp_stream peer, health state,
                                 std::chrono::milliseconds limit) {
    try {
        co_return co_await mayhem::timeout(limit, converse(std::move(peer), std::move(state)));
    } catch (const mayhem::timeout_error&) {
    } catch (const std::system_error&) {
    }
    co_return false;
}

}  // namespace mandrill
