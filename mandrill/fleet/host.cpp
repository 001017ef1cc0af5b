#include "mandrill/fleet/host.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/random.h>
#include <unistd.h>

#include "loop/error.hpp"
#include "loop/event_loop.hpp"
#include "mandrill/fleet/health.hpp"
#include "mandrill/fleet/host_lock.hpp"
#include "mandrill/fleet/ledger.hpp"
#include "mandrill/restart/seeded.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/event.hpp"
#include "tasks/sync/semaphore.hpp"
#include "tasks/task_group.hpp"
#include "tasks/timeout.hpp"

namespace mandrill {
namespace {

using namespace std::chrono_literals;

/// How many questions are answered at one time; more of them wait in line.
constexpr std::size_t peers_max = 16;
/// How long a peer may take to ask and to listen.
constexpr std::chrono::milliseconds peer_limit = 2s;

std::string new_boot_id() {
    std::array<std::uint64_t, 2> bits{};
    const auto size = static_cast<ssize_t>(sizeof(bits));
    if (::getrandom(bits.data(), sizeof(bits), 0) != size) mayhem::throw_errno(errno, "getrandom");
    return format_uuid(bits[0], bits[1]);
}

/// One line to whoever switched us on. Nobody may be there any more, and that is all right.
void say(const std::string& line) {
    const std::string text = line + '\n';
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
}

class running_host {
  public:
    explicit running_host(host_options options) : options_(std::move(options)) {}

    /// Everything up to the ready line. Throws when it cannot come up.
    mayhem::coro<void> boot();
    /// Answers until it is told to go or is an orphan.
    mayhem::coro<void> serve();

  private:
    using clock = std::chrono::steady_clock;

    mayhem::coro<void> accept_peers(mayhem::task_group& peers);
    mayhem::coro<void> answer(mayhem::tcp_stream peer, mayhem::guard<mayhem::semaphore> place);
    mayhem::coro<void> wait_until_orphaned_or_told();
    [[nodiscard]] health state() const;

    host_options options_;
    std::optional<host_lock> lock_;
    std::string boot_id_;
    clock::time_point started_ = clock::now();
    clock::time_point last_asked_ = clock::now();
    mayhem::tcp_listener listener_;
    mayhem::semaphore places_{peers_max};
    std::shared_ptr<mayhem::event> told_to_go_ = std::make_shared<mayhem::event>();
};

mayhem::coro<void> running_host::boot() {
    const std::filesystem::path lock_file = host_lock_file(options_.ledger, options_.name);
    lock_ = host_lock::try_acquire(lock_file);
    if (!lock_) {
        throw std::runtime_error(fmt::format("{} runs already, as process {}", options_.name,
                                             host_lock::holder(lock_file).value_or(0)));
    }
    boot_id_ = new_boot_id();
    co_await mayhem::sleep(options_.boot_delay);
    listener_ = mayhem::tcp_listener::bind(mayhem::address::loopback(0));

    // The handler stays with the loop, and a second SIGTERM may come when this host is gone.
    const auto handler = [told = told_to_go_, is_stubborn = options_.stubborn](int) {
        if (!is_stubborn) told->set();
    };
    mayhem::get_running_loop().add_signal_handler(SIGTERM, handler);
    boot_record line;
    line.at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
    line.host = options_.name;
    line.boot_id = boot_id_;
    line.pid = ::getpid();
    line.port = listener_.local_address().port();
    line.request = options_.request;
    // Blocks this loop for one flush of the disk; nobody can be waiting for an answer yet.
    ledger(options_.ledger).append(line);
    started_ = last_asked_ = clock::now();
    say(to_json_line(line));
}

mayhem::coro<void> running_host::serve() {
    auto body = [this](mayhem::task_group& peers) -> mayhem::coro<void> {
        mayhem::task<void> accepting = peers.create_task(accept_peers(peers), "accept");
        co_await wait_until_orphaned_or_told();
        accepting.cancel();
    };
    co_await mayhem::with_task_group(body);
    co_await listener_.close();
}

mayhem::coro<void> running_host::accept_peers(mayhem::task_group& peers) {
    for (;;) {
        auto place = co_await places_.acquire_guard();
        mayhem::tcp_stream peer = co_await listener_.accept();
        peers.create_task(answer(std::move(peer), std::move(place)), "answer");
    }
}

mayhem::coro<void> running_host::answer(mayhem::tcp_stream peer,
                                        [[maybe_unused]] mayhem::guard<mayhem::semaphore> place) {
    const bool was_asked = co_await answer_health(std::move(peer), state(), peer_limit);
    if (was_asked) last_asked_ = clock::now();
}

mayhem::coro<void> running_host::wait_until_orphaned_or_told() {
    auto told = [this]() -> mayhem::coro<void> { co_await told_to_go_->wait(); };
    for (;;) {
        const auto left = last_asked_ + options_.orphan_after - clock::now();
        if (left <= left.zero()) co_return;
        try {
            co_return co_await mayhem::timeout(left, told());
        } catch (const mayhem::timeout_error&) {
        }
    }
}

health running_host::state() const {
    health now;
    now.host = options_.name;
    now.boot_id = boot_id_;
    now.pid = ::getpid();
    now.uptime_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - started_).count();
    return now;
}

}  // namespace

mayhem::coro<int> run_host(host_options options) {
    std::signal(SIGPIPE, SIG_IGN);  // whoever reads our ready line may be gone
    running_host host(std::move(options));
    std::string failure;
    try {
        co_await host.boot();
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty()) {
        say(std::string(boot_error_prefix) + failure);
        co_return 1;
    }
    co_await host.serve();
    co_return 0;
}

}  // namespace mandrill
