#include "tasks/testing/scripted_peer.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <span>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include "loop/kernel.hpp"
#include "tasks/sleep.hpp"

namespace mayhem::testing {
namespace {

/// Between two pieces a waiting reader gets time to wake up: data sent in one tick is seen by the
/// next poll, or by the one after that.
constexpr int ticks_between_pieces = 4;

std::string in_quotes(std::string_view bytes) {
    return ::testing::PrintToString(std::string(bytes));
}

/// Closing sends a reset, and drops what the peer has not read yet.
void close_will_reset(const tcp_stream& stream) {
    const linger at_once{1, 0};
    kernel::setsockopt(stream.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

struct scripted_peer::state {
    std::vector<script::step> steps;
    std::size_t played = 0;
    bool has_failed = false;
    tcp_stream stream;
};

script& script::add(kind what, std::string bytes, std::size_t piece, duration delay) {
    steps_.push_back({what, std::move(bytes), piece, delay});
    return *this;
}

std::string script::describe(const step& what) {
    switch (what.what) {
        case kind::expect:
            return "expect " + in_quotes(what.bytes);
        case kind::expect_end:
            return "expect the end";
        case kind::send:
            return "send " + in_quotes(what.bytes);
        case kind::pause:
            return "pause";
        case kind::half_close:
            return "half-close";
        case kind::reset:
            return "reset";
    }
    return "unknown";
}

scripted_peer::scripted_peer(script steps) : state_(std::make_shared<state>()) {
    state_->steps = std::move(steps.steps_);
}

scripted_peer::~scripted_peer() {
    if (!playing_ || playing_.done()) return;
    ADD_FAILURE() << fmt::format("The scripted peer was dropped at step {} of {}: {}",
                                 state_->played + 1, state_->steps.size(),
                                 script::describe(state_->steps[state_->played]));
    playing_.cancel();
}

coro<tcp_stream> scripted_peer::connect() {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    tcp_stream client = co_await tcp_stream::connect(listener.local_address());
    state_->stream = co_await listener.accept();
    co_await listener.close();
    playing_ = create_task(play(state_), "scripted peer");
    co_return std::move(client);
}

coro<void> scripted_peer::finish() { co_await playing_; }

coro<void> scripted_peer::play(std::shared_ptr<state> own) {
    bool goes_on = true;
    for (; goes_on && own->played < own->steps.size(); ++own->played) {
        const script::step& next = own->steps[own->played];
        std::string trouble;
        try {
            goes_on = co_await take_step(*own, next);
        } catch (const std::system_error& error) {
            trouble = error.what();
        }
        if (trouble.empty()) continue;
        ADD_FAILURE() << fmt::format("The scripted peer failed at step {} of {} ({}): {}",
                                     own->played + 1, own->steps.size(), script::describe(next),
                                     trouble);
        goes_on = false;
    }
    if (!goes_on) close_will_reset(own->stream);
    co_await own->stream.close();
}

/// @returns false when the script ends here: by a reset, or because the peer said something else.
coro<bool> scripted_peer::take_step(state& own, const script::step& what) {
    switch (what.what) {
        case script::kind::expect:
            co_return co_await expect(own, what.bytes);
        case script::kind::expect_end:
            co_return co_await expect_end(own);
        case script::kind::send:
            co_await send(own, what.bytes, what.piece);
            break;
        case script::kind::pause:
            co_await mayhem::sleep(what.delay);
            break;
        case script::kind::half_close:
            own.stream.shutdown_write();
            break;
        case script::kind::reset:
            co_return false;
    }
    co_return true;
}

coro<bool> scripted_peer::expect(state& own, const std::string& bytes) {
    std::string got;
    while (got.size() < bytes.size() && bytes.starts_with(got)) {
        std::string space(bytes.size() - got.size(), '\0');
        const std::size_t count =
            co_await own.stream.read_some(std::as_writable_bytes(std::span(space)));
        if (count == 0) break;
        got += space.substr(0, count);
    }
    if (got == bytes) co_return true;
    ADD_FAILURE() << fmt::format("The scripted peer got {} where the script has {} (step {} of {})",
                                 got.empty() ? "the end of the stream" : in_quotes(got),
                                 in_quotes(bytes), own.played + 1, own.steps.size());
    co_return false;
}

coro<bool> scripted_peer::expect_end(state& own) {
    std::array<char, 64> space{};
    const std::size_t count =
        co_await own.stream.read_some(std::as_writable_bytes(std::span(space)));
    if (count == 0) co_return true;
    ADD_FAILURE() << fmt::format(
        "The scripted peer got {} where the script has the end of the stream (step {} of {})",
        in_quotes({space.data(), count}), own.played + 1, own.steps.size());
    co_return false;
}

coro<void> scripted_peer::send(state& own, const std::string& bytes, std::size_t piece) {
    std::string_view left = bytes;
    while (!left.empty()) {
        co_await own.stream.write_all(left.substr(0, piece));
        left.remove_prefix(std::min(left.size(), piece));
        for (int tick = 0; tick < ticks_between_pieces; ++tick) co_await yield();
    }
}

}  // namespace mayhem::testing
