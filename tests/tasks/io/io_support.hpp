// What the tests of tasks/io share: connected pairs, text in buffers, and how tasks ended.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "tasks/mayhem.hpp"

namespace mayhem::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A place for bytes that a test reads as text.
class text_space {
  public:
    [[nodiscard]] std::span<std::byte> room() noexcept { return bytes_; }
    [[nodiscard]] std::string text(std::size_t count) const {
        return text_of(std::span(bytes_).first(count));
    }

  private:
    std::array<std::byte, 4096> bytes_{};
};

/// Everything until the end of a stream or file.
template <typename Source>
coro<std::string> read_to_end(Source& from) {
    std::string text;
    text_space buffer;
    for (;;) {
        const std::size_t count = co_await from.read_some(buffer.room());
        if (count == 0) co_return text;
        text += buffer.text(count);
    }
}

struct tcp_pair {
    tcp_stream client;
    tcp_stream server;
};

inline coro<tcp_pair> make_tcp_pair() {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    tcp_pair ends;
    ends.client = co_await tcp_stream::connect(listener.local_address());
    ends.server = co_await listener.accept();
    co_await listener.close();
    co_return std::move(ends);
}

/// True when the task ends by being cancelled; false when it ends in any other way.
template <typename T>
coro<bool> ends_cancelled(task<T> ending) {
    try {
        co_await ending;
    } catch (const cancelled&) {
        co_return true;
    } catch (const std::exception&) {
        co_return false;
    }
    co_return false;
}

/// The text of the std::system_error that `work` throws; empty when it throws none.
template <typename Awaitable>
coro<std::string> error_text(Awaitable work) {
    try {
        co_await std::move(work);
    } catch (const std::system_error& error) {
        co_return error.what();
    }
    co_return std::string();
}

}  // namespace mayhem::test
