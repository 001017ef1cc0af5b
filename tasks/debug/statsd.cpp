#include "tasks/debug/statsd.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <span>
#include <utility>

namespace mayhem {

statsd_client::statsd_client(const address& server, std::string prefix)
    : socket_(udp_socket::connect(server)), prefix_(std::move(prefix)) {}

/// Without the characters that mean something in a line.
std::string statsd_client::full_name(std::string_view name) const {
    std::string full = prefix_ + std::string(name);
    const auto has_meaning = [](char c) { return c == ':' || c == '|' || c == '@' || c == '\n'; };
    std::ranges::replace_if(full, has_meaning, '_');
    return full;
}

coro<void> statsd_client::gauge(std::string name, double value) {
    const std::string full = full_name(name);
    // A sign means "change by": a negative value has to start from nought.
    const std::string reset = value < 0 ? fmt::format("{}:0|g\n", full) : std::string();
    co_await send(fmt::format("{}{}:{}|g", reset, full, value));
}

coro<void> statsd_client::timing(std::string name, duration took) {
    const std::chrono::duration<double, std::milli> milliseconds = took;
    co_await send(fmt::format("{}:{:.3f}|ms", full_name(name), milliseconds.count()));
}

coro<void> statsd_client::count(std::string name, std::int64_t times) {
    co_await send(fmt::format("{}:{}|c", full_name(name), times));
}

coro<void> statsd_client::send(std::string text) {
    // ECONNREFUSED is about an earlier datagram, and clears itself; the others cost this one.
    [[maybe_unused]] const auto sent = co_await socket_.try_send(std::as_bytes(std::span(text)));
}

}  // namespace mayhem
