#include "mandrill/service/publisher.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include "loop/log.hpp"
#include "mandrill/restart/seeded.hpp"
#include "mandrill/service/request_line.hpp"

namespace mandrill {

using mayhem::log;
using mayhem::log_level;

namespace {

constexpr std::size_t line_length_max = 64 * 1024;

/// Requests of standard input that may wait for their commit at one time.
constexpr std::size_t unpublished_max = 512;

}  // namespace

// ---- Intake -------------------------------------------------------------------------------

mayhem::coro<std::expected<receipt, std::string>> intake::accept(std::string line, origin source) {
    auto wish = parse_request(line, source, at_.hosts);
    if (!wish) {
        ++at_.counters.rejected;
        co_return std::unexpected(wish.error());
    }
    if (wish->id.empty()) wish->id = new_id();
    receipt given{wish->id, false};
    given.duplicate = !co_await at_.messages.publish(std::move(*wish));
    co_return given;
}

mayhem::coro<receipt> intake::publish(std::string host, std::string reason, origin source) {
    receipt given{new_id(), false};
    request wish(given.id, std::move(host), std::move(reason), "", source);
    given.duplicate = !co_await at_.messages.publish(std::move(wish));
    co_return given;
}

std::string intake::new_id() {
    const std::uint64_t high = ids_();  // drawn in this order, whatever the compiler prefers
    const std::uint64_t low = ids_();
    return format_uuid(high, low);
}

// ---- Chance -------------------------------------------------------------------------------

namespace {

/// Deals the fleet's hosts like cards: in random order, each once before any comes again. Chaos for
/// everybody, and no long line of requests before one unlucky host.
class host_deck {
  public:
    explicit host_deck(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {}

    const std::string& deal(std::mt19937_64& random) {
        if (dealt_ % hosts_.size() == 0) std::ranges::shuffle(hosts_, random);
        return hosts_[dealt_++ % hosts_.size()];
    }

  private:
    std::vector<std::string> hosts_;
    std::size_t dealt_ = 0;
};

}  // namespace

mayhem::coro<void> publish_randomly(workplace& at, intake& requests, double per_second) {
    host_deck hosts(at.hosts.hosts());
    std::uniform_real_distribution<double> gap(0.5 / per_second, 1.5 / per_second);
    for (;;) {
        co_await mayhem::sleep(std::chrono::duration<double>(gap(at.random)));
        const std::string host = hosts.deal(at.random);
        std::string problem;
        try {
            const receipt given = co_await requests.publish(host, "chaos", origin::random);
            log(log_level::debug, "Published {} for {}", given.id, host);
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (!problem.empty()) log(log_level::error, "Could not publish: {}", problem);
    }
}

// ---- Standard input -----------------------------------------------------------------------

namespace {

mayhem::coro<void> publish_line(intake& requests, std::string line, std::size_t number,
                                mayhem::semaphore& room) {
    std::string problem;
    try {
        const auto answer = co_await requests.accept(std::move(line), origin::standard_input);
        if (!answer) problem = answer.error();
    } catch (const std::exception& error) {
        problem = error.what();
    }
    room.release();
    if (!problem.empty()) log(log_level::error, "stdin line {}: {}", number, problem);
}

}  // namespace

mayhem::coro<void> publish_standard_input(workplace& at, intake& requests) {
    auto input = mayhem::standard_input();
    mayhem::line_reader lines(input, line_length_max);
    mayhem::semaphore room(unpublished_max);
    auto body = [&](mayhem::task_group& group) -> mayhem::coro<void> {
        for (std::size_t number = 1;; ++number) {
            std::optional<std::string> line;
            std::string problem;
            try {
                line = co_await lines.read_line();
                if (!line) co_return;
            } catch (const std::system_error& error) {
                // A line that is too long is skipped; whatever else happened, there is no more.
                if (error.code() != mayhem::stream_errc::line_too_long) throw;
                problem = error.what();
            }
            if (!problem.empty()) {
                ++at.counters.rejected;
                log(log_level::error, "stdin line {}: {}", number, problem);
            } else if (!line->empty()) {
                co_await room.acquire();
                group.create_task(publish_line(requests, std::move(*line), number, room));
            }
        }
    };
    co_await mayhem::with_task_group(body);
}

}  // namespace mandrill
