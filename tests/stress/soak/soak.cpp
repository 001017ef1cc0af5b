#include "tests/stress/soak/soak.hpp"

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/recycling_allocator.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/stress/soak/outsiders.hpp"

namespace mayhem::soak {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A client that has done nothing for so long is stuck: every wait of its has a limit far below.
constexpr seconds stuck_after{30};

/// Other threads that post to the loop.
constexpr int threads = 3;

constexpr std::size_t message_max = 16 * 1024;

double as_seconds(duration time) { return std::chrono::duration<double>(time).count(); }

bool is_of_the_connection(const std::system_error& error) {
    // What the other side, a reset, or the listener's end leads to. The rest is a bug.
    const std::error_code code = error.code();
    return code == stream_errc::end_of_stream || code == std::errc::connection_reset ||
           code == std::errc::broken_pipe || code == std::errc::connection_refused ||
           code == std::errc::operation_canceled || code == std::errc::not_connected ||
           code == std::errc::connection_aborted;
}

}  // namespace

sample take_sample(double at) {
    std::ifstream status("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    status >> total >> resident;
    const auto page_kib = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
    return {at, resident * page_kib, mayhem::testing::open_descriptors(), all_tasks().size(),
            detail::live_blocks()};
}

soak::soak(const options& wanted) : options_(wanted), random_(wanted.seed) {}

bool soak::is_over() const {
    if (options_.exchanges && counts_.exchanges >= *options_.exchanges) return true;
    const double passed = as_seconds(get_running_loop().time() - started_);
    return options_.seconds && passed >= *options_.seconds;
}

coro<> soak::run() {
    started_ = get_running_loop().time();
    auto server = create_task(serve(), "server");
    auto chaos = create_task(cancel_somebody_now_and_then(), "chaos");
    last_progress_.assign(static_cast<std::size_t>(options_.clients), started_);
    for (std::size_t i = 0; i < last_progress_.size(); ++i) {
        clients_.push_back(create_task(be_a_client(i), fmt::format("client {}", i)));
    }
    outsiders others(get_running_loop(), threads, options_.seed);
    std::exception_ptr trouble;
    try {
        co_await watch();
    } catch (...) {
        trouble = std::current_exception();
    }
    co_await others.end();
    counts_.posts = others.posts();
    if (trouble) std::rethrow_exception(trouble);
    chaos.cancel();
    server.cancel();
    std::vector<task_ref> left{server, chaos};
    for (auto& client : clients_) {
        client.cancel();
        left.push_back(client);
    }
    for (auto& handler : handlers_) {
        handler.cancel();
        left.push_back(handler);
    }
    const auto ended = co_await wait(left, return_when::all_completed, seconds(10));
    if (!ended.pending.empty()) throw std::runtime_error("somebody does not end when cancelled");
    for (auto& one : left) {
        const std::exception_ptr error = one.exception();
        if (error && !is_cancelled(error)) std::rethrow_exception(error);
    }
    handlers_.clear();
    clients_.clear();
}

// ---- The server ---------------------------------------------------------------------------

coro<> soak::serve() {
    for (;;) {
        const milliseconds how_long(static_cast<int>(200 + draw(800)));
        co_await serve_for_a_while(how_long);
    }
}

/// Listeners come and go, with connections in their queues.
coro<> soak::serve_for_a_while(duration how_long) {
    tcp_listener listener = tcp_listener::bind(address::loopback(0));
    ++counts_.listeners;
    at_ = listener.local_address();
    auto accept_all = [this, &listener]() -> coro<> {
        for (;;) {
            tcp_stream connection = co_await listener.accept();
            std::erase_if(handlers_, [](auto& one) { return one.done(); });
            handlers_.push_back(create_task(echo(std::move(connection)), "handler"));
        }
    };
    try {
        co_await timeout(how_long, accept_all());
    } catch (const timeout_error&) {
    }
    at_.reset();
    co_await listener.close();
}

coro<> soak::echo(tcp_stream connection) {
    std::vector<std::byte> buffer(message_max);
    try {
        for (;;) {
            const std::size_t count = co_await connection.read_some(buffer);
            if (count == 0) break;
            const std::uint64_t whim = draw(400);
            if (whim == 0) co_await mayhem::sleep(milliseconds(50));  // too late for the client
            if (whim == 1) {
                reset(connection);
                co_return;
            }
            co_await connection.write_all(std::span(buffer).first(count));
        }
        co_await connection.close();
    } catch (const std::system_error& error) {
        if (!is_of_the_connection(error)) throw;
    }
}

// ---- The clients --------------------------------------------------------------------------

coro<> soak::be_a_client(std::size_t number) {
    for (;;) {
        last_progress_[number] = get_running_loop().time();
        try {
            co_await use_a_connection(number);
        } catch (const timeout_error&) {
            ++counts_.timeouts;
        } catch (const std::system_error& error) {
            if (!is_of_the_connection(error)) throw;
            ++counts_.resets;
        } catch (const cancelled&) {
            ++counts_.cancels;
            if (is_over()) throw;
        }
        co_await mayhem::sleep(milliseconds(static_cast<int>(draw(3))));
    }
}

coro<> soak::use_a_connection(std::size_t number) {
    if (!at_) co_return;
    const address where = *at_;
    tcp_stream connection = co_await wait_for(tcp_stream::connect(where), seconds(5));
    ++counts_.connections;
    for (std::uint64_t left = 1 + draw(60); left > 0; --left) {
        co_await timeout(milliseconds(20), exchange(connection));
        last_progress_[number] = get_running_loop().time();
        ++counts_.exchanges;
    }
    const std::uint64_t whim = draw(8);
    if (whim == 0) reset(connection);
    if (whim <= 1) co_return;  // the destructor closes
    co_await connection.close();
}

coro<> soak::exchange(tcp_stream& on) {
    std::vector<std::byte> sent(1 + draw(draw(10) == 0 ? message_max : 256));
    const auto mark = static_cast<std::byte>(draw(256));
    for (std::size_t at = 0; at < sent.size(); ++at) {
        sent[at] = mark ^ static_cast<std::byte>(at & 0xFF);
    }
    std::vector<std::byte> came(sent.size());
    co_await on.write_all(sent);
    co_await on.read_exactly(came);
    if (came != sent) throw std::runtime_error("the echo is not what was sent");
    counts_.bytes += sent.size();
}

/// Closing with a linger time of zero sends RST, as a crashed or impatient peer does.
void soak::reset(tcp_stream& connection) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    connection = tcp_stream();
    ++counts_.resets;
}

// ---- Trouble, and looking at it -----------------------------------------------------------

coro<> soak::cancel_somebody_now_and_then() {
    for (;;) {
        co_await mayhem::sleep(milliseconds(static_cast<int>(1 + draw(10))));
        auto& some = draw(2) == 0 ? clients_ : handlers_;
        if (!some.empty()) some[draw(some.size())].cancel();
    }
}

coro<> soak::watch() {
    const duration between = options_.seconds ? duration(seconds(1)) : duration(milliseconds(100));
    while (!is_over()) {
        co_await mayhem::sleep(between);
        const time_point now = get_running_loop().time();
        samples_.push_back(take_sample(as_seconds(now - started_)));
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            if (clients_[i].done()) {
                if (!clients_[i].is_cancelled()) clients_[i].value();  // throws what it found
                clients_[i] = create_task(be_a_client(i));
                last_progress_[i] = now;
            }
            if (now - last_progress_[i] < stuck_after) continue;
            throw std::runtime_error("a client is stuck:\n" + clients_[i].format_stack());
        }
    }
}

}  // namespace mayhem::soak
