#include "tests/mandrill/service/path_of_a_message.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "loop/log.hpp"
#include "mandrill/store/message_reader.hpp"
#include "tasks/testing/scenario.hpp"

namespace mandrill::test {
namespace {

using namespace std::chrono_literals;
using mayhem::coro;

constexpr std::size_t requests_asked = 4;

/// Chooses the kernel, and does nothing else.
class undisturbed final : public mayhem::testing::disturbance {
  public:
    explicit undisturbed(std::uint64_t seed) : seed_(seed) {}
    void set_options(mayhem::loop_options& options) override {
        options.sim = mayhem::sim_options::rough(seed_);
    }

  private:
    std::uint64_t seed_;
};

}  // namespace

path_of_a_message::path_of_a_message(std::uint64_t seed, path_tally& all)
    : seed_(seed), all_(all), fleet_(seed, [this](const std::string& id) { see_restart(id); }) {}

coro<void> path_of_a_message::first_service() {
    ++all_.runs;
    auto client = mayhem::create_task(ask_for_restarts(), "client");
    std::exception_ptr problem;
    try {
        const std::function<std::unique_ptr<restarter>()> lend = [this] { return fleet_.lend(); };
        (void)co_await run_service(options_for(25s, 0.1), lend);
        ended_gracefully_ = true;
    } catch (...) {
        problem = std::current_exception();
    }
    client.cancel();
    const std::vector<mayhem::task_ref> left(1, client);
    for (bool ended = false; !ended;) {
        try {
            co_await mayhem::wait(left);
            ended = true;
        } catch (const mayhem::cancelled&) {
            // It is on its way already.
        }
    }
    if (problem) std::rethrow_exception(problem);
}

coro<void> path_of_a_message::second_service() {
    const std::function<std::unique_ptr<restarter>()> lend = [this] { return fleet_.lend(); };
    // What fails comes back after half a minute at most, five times at most.
    report_ = co_await run_service(options_for(180s, 0), lend);
}

std::string path_of_a_message::recover() {
    ++all_.runs;
    report_ = {};
    mayhem::testing::scenario what;
    what.body = [this] { return second_service(); };
    undisturbed kernel(seed_ + 1000);
    const std::string harm =
        mayhem::testing::run_disturbed(what, mayhem::backend_kind::sim, kernel);
    require(harm.empty(), "in the second run: " + harm);
    all_.lost += report_.counts.lost;
    require(report_.counts.lost == 0, fmt::format("{} lost", report_.counts.lost));
    require(report_.counts.outstanding == 0,
            fmt::format("{} still outstanding", report_.counts.outstanding));
    // Who is told to stop gives back what he holds; a deploy must not look like a crash.
    require(!ended_gracefully_ || report_.counts.expired == 0,
            fmt::format("{} leases were left to run out", report_.counts.expired));
    for (const problem& one : report_.problems) require(false, "the store: " + one.what);
    return compare();
}

service_options path_of_a_message::options_for(std::chrono::seconds time,
                                               double requests_per_second) const {
    service_options options;
    options.state_directory = folder_.path();
    options.run_for = time;
    options.requests_per_second = requests_per_second;
    options.seed = seed_;
    return options;
}

/// As a careful client would: who got no answer asks again, with the same id.
coro<void> path_of_a_message::ask_for_restarts() {
    while (accepted_.size() < requests_asked) {
        try {
            co_await ask_until_it_hangs_up();
        } catch (const std::system_error&) {
            // There is no service yet, or none any more.
        }
        co_await mayhem::sleep(10ms);
    }
}

coro<void> path_of_a_message::ask_until_it_hangs_up() {
    auto service = co_await mayhem::unix_stream::connect(socket_file(folder_.path()).string());
    mayhem::line_reader answers(service);
    for (std::size_t number = 0; number < requests_asked; ++number) {
        const std::string id = fmt::format("request-{}", number);
        if (accepted_.contains(id)) continue;
        const std::string& host = fleet_.hosts()[number % fleet_.hosts().size()];
        const std::string line = fmt::format(R"({{"host":"{}","id":"{}"}})", host, id) + "\n";
        co_await service.write_all(line);
        const auto answer = co_await answers.read_line();
        if (!answer) break;
        if (answer->find("\"duplicate\"") == answer->npos) continue;  // an error: not accepted
        accepted_.insert(id);
        const auto known = message_reader(database_file(folder_.path())).list();
        const auto is_this = [&id](const message_status& one) { return one.what.id == id; };
        require(std::ranges::any_of(known, is_this), id + " was accepted before it was stored");
    }
    co_await service.close();
}

/// Rule: the intent is durable before the host is touched. Seen as another process would see it.
void path_of_a_message::see_restart(const std::string& id) {
    const auto past = message_reader(database_file(folder_.path())).history(id).events;
    const bool intended =
        std::ranges::any_of(past, [](const history_event& one) { return one.what == "intent"; });
    require(intended, id + " restarts its host before the intent is stored");
    const bool acked =
        std::ranges::any_of(past, [](const history_event& one) { return one.what == "acked"; });
    require(!acked, id + " was acked before its restart");
}

void path_of_a_message::require(bool holds, const std::string& otherwise) {
    if (!holds && trouble_.empty()) trouble_ = otherwise;
}

std::string path_of_a_message::compare() {
    if (!std::filesystem::exists(database_file(folder_.path()))) return trouble_;
    std::map<std::string, message_state> states;
    for (const message_status& status : message_reader(database_file(folder_.path())).list()) {
        states[status.what.id] = status.state;
    }
    for (const std::string& id : accepted_) {
        if (states.contains(id)) continue;
        ++all_.lost;
        require(false, id + " was accepted and is forgotten");
    }
    for (const auto& [id, state] : states) {
        const int restarts = fleet_.restarts_for(id);
        all_.repeated += std::max(0, restarts - 1);
        require(restarts <= 1, fmt::format("{} has restarted its host {} times", id, restarts));
        require(state != message_state::acked || restarts == 1,
                id + " is acked, and its host was never restarted");
        require(state == message_state::acked || state == message_state::dead,
                id + " is neither acked nor dead");
    }
    return trouble_;
}

}  // namespace mandrill::test
