// A peer that follows a script: for code that talks to somebody through a stream.
//
//     script lines;
//     lines.expect("HELO\r\n").send("250 ok\r\n", 3).pause(2s).send("bye").half_close();
//     scripted_peer server(std::move(lines));
//     tcp_stream stream = co_await server.connect();
//     ... let the code under test use `stream` ...
//     co_await server.finish();
//
// The connection is a real one, over the loopback: the kernel's own end of stream, reset and
// back-pressure. A peer that gets other bytes than the script says fails the test, at the step
// that it was at, and resets the connection; so does one that is destroyed before its last step.
//
// It refuses to judge when bytes arrive: only their order counts. `send` in pieces lets a reader
// that waits see each piece alone; one that comes later may get several at once, as in real life.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "loop/clock.hpp"
#include "tasks/coro/coro.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/io/tcp.hpp"

namespace mayhem::testing {

/// What a scripted peer does, step by step.
class script {
  public:
    /// Reads as many bytes as `bytes` has, which must be these.
    script& expect(std::string bytes) { return add(kind::expect, std::move(bytes)); }
    /// Reads to the end of the stream, which must come at once.
    script& expect_end() { return add(kind::expect_end); }
    /// Writes `bytes`, in pieces of at most `piece` bytes.
    script& send(std::string bytes, std::size_t piece = std::numeric_limits<std::size_t>::max()) {
        return add(kind::send, std::move(bytes), piece);
    }
    /// Lets time pass.
    template <typename Rep, typename Period>
    script& pause(std::chrono::duration<Rep, Period> delay) {
        return add(kind::pause, {}, 0, to_duration(delay));
    }
    /// Will write nothing more, but goes on reading.
    script& half_close() { return add(kind::half_close); }
    /// Ends the connection with a reset (ECONNRESET). The last step.
    script& reset() { return add(kind::reset); }

  private:
    friend class scripted_peer;
    enum class kind : std::uint8_t { expect, expect_end, send, pause, half_close, reset };
    struct step {
        kind what;
        std::string bytes;
        std::size_t piece;
        duration delay;
    };

    script& add(kind what, std::string bytes = {}, std::size_t piece = 0, duration delay = {});
    [[nodiscard]] static std::string describe(const step& what);

    std::vector<step> steps_;
};

/// Plays a script at the other end of a connection, in a task of its own.
class scripted_peer {
  public:
    explicit scripted_peer(script steps);
    scripted_peer(const scripted_peer&) = delete;
    scripted_peer& operator=(const scripted_peer&) = delete;
    /// Stops. Fails the test when the script was begun and has steps left.
    ~scripted_peer();

    /// Makes the connection and begins to play. Once. @returns the end for the code under test
    coro<tcp_stream> connect();

    /// Waits until the script is at its end, and closes.
    coro<void> finish();

  private:
    struct state;
    static coro<void> play(std::shared_ptr<state> own);
    static coro<bool> take_step(state& own, const script::step& what);
    static coro<bool> expect(state& own, const std::string& bytes);
    static coro<bool> expect_end(state& own);
    static coro<void> send(state& own, const std::string& bytes, std::size_t piece);

    std::shared_ptr<state> state_;
    task<void> playing_;
};

}  // namespace mayhem::testing
