#include "docs/examples/support/stage.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mayhem::examples {
namespace {

struct planned_signal {
    int number;
    duration after;
    bool sent = false;
};

/// What the command line said, and what time it is.
struct setting {
    std::mutex mutex;
    std::mt19937_64 chance{std::random_device{}()};
    bool is_virtual = false;
    std::optional<int> messages;
    std::map<std::string, int, std::less<>> failures;  // what -> how many chances are left
    std::vector<planned_signal> signals;

    // The virtual clock, over all loops and blocking calls of the program.
    duration elapsed{};       // when the current loop was made, blocking calls included
    time_point loop_start{};  // the same moment on its own clock
    duration last_seen{};
};

setting& current() {
    static auto* instance = new setting;  // leaked: threads may log while the program ends
    return *instance;
}

duration virtual_time() {
    setting& now = current();
    if (const event_loop* loop = running_loop_or_null()) {
        now.last_seen = now.elapsed + (loop->time() - now.loop_start);
    }
    return now.last_seen;
}

void write_line(const log_record& record) {
    std::string time = format_log_time(record.when);
    if (current().is_virtual) {
        const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(virtual_time());
        const auto whole = std::chrono::hh_mm_ss(milliseconds + std::chrono::hours(12));
        time =
            fmt::format("{:02}:{:02}:{:02},{:03}", whole.hours().count(), whole.minutes().count(),
                        whole.seconds().count(), whole.subseconds().count());
    }
    const std::string line =
        fmt::format("{} {}: {}\n", time, to_string(record.level), record.message);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

// ---- The command line -----------------------------------------------------------------------

[[noreturn]] void refuse(std::string_view what) {
    fmt::print(stderr, "{}; see docs/examples/README.md\n", what);
    std::exit(2);
}

template <typename Number>
Number parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        refuse(fmt::format("not a number: {}", text));
    }
    return value;
}

/// "restart@3" -> "restart", "3".
std::pair<std::string_view, std::string_view> split(std::string_view text) {
    const std::size_t at = text.find('@');
    if (at == text.npos) refuse(fmt::format("an @ is missing: {}", text));
    return {text.substr(0, at), text.substr(at + 1)};
}

planned_signal parse_signal(std::string_view text) {
    const auto [name, after] = split(text);
    for (int number = 1; number < SIGRTMIN; ++number) {
        if (signal_name(number) != fmt::format("SIG{}", name)) continue;
        const std::chrono::duration<double> seconds(parse_number<double>(after));
        return {.number = number, .after = to_duration(seconds)};
    }
    refuse(fmt::format("not a signal: {}", name));
}

void apply(std::string_view option, std::string_view value) {
    setting& made = current();
    if (option == "--seed") {
        made.chance.seed(parse_number<std::uint64_t>(value));
    } else if (option == "--clock" && (value == "virtual" || value == "real")) {
        made.is_virtual = value == "virtual";
    } else if (option == "--messages") {
        made.messages = parse_number<int>(value);
    } else if (option == "--fail") {
        const auto [what, count] = split(value);
        made.failures.emplace(what, parse_number<int>(count));
    } else if (option == "--signal") {
        made.signals.push_back(parse_signal(value));
    } else {
        refuse(fmt::format("unknown option: {} {}", option, value));
    }
}

/// A new loop goes on from where the last one, or the main function, has come to.
void take_over(event_loop& loop) {
    setting& now = current();
    now.elapsed = now.last_seen;
    now.loop_start = loop.time();
    // Steps take no virtual time, but for time_sleep: what debug mode says of them repeats itself.
    if (now.is_virtual) loop.set_step_clock([] { return time_point(virtual_time()); });
    for (planned_signal& planned : now.signals) {
        if (planned.sent) continue;
        loop.call_later(planned.after - now.elapsed, [&planned] {
            planned.sent = true;
            virtual_time();  // what is logged once the loop has ended is logged at this moment
            ::kill(::getpid(), planned.number);
        });
    }
}

std::uint64_t draw() {
    setting& shared = current();
    const std::lock_guard lock(shared.mutex);
    return shared.chance();
}

}  // namespace

stage::stage(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() % 2 != 0) refuse("an option without its value");
    for (std::size_t at = 0; at < arguments.size(); at += 2)
        apply(arguments[at], arguments[at + 1]);
    set_log_sink(write_line);
}

int stage::messages(int otherwise) const { return current().messages.value_or(otherwise); }

run_options stage::options() const {
    run_options made;
    made.loop.virtual_clock = current().is_virtual;
    made.loop.on_created = take_over;
    return made;
}

// ---- Chance: the same on every compiler, which the distributions of <random> are not ---------

std::chrono::duration<double> random_seconds() {
    constexpr double parts = 1ULL << 53;
    return std::chrono::duration<double>(static_cast<double>(draw() >> 11) / parts);
}

int randrange(int first, int last) {
    return first + static_cast<int>(draw() % static_cast<std::uint64_t>(last - first));
}

std::string random_id(int length) {
    constexpr std::string_view choices = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string id;
    for (int i = 0; i < length; ++i) id += choices[draw() % choices.size()];
    return id;
}

std::string uuid4() {
    const std::uint64_t high = (draw() & ~0xF000ULL) | 0x4000ULL;
    const std::uint64_t low = (draw() & ~(3ULL << 62)) | (2ULL << 62);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                       high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFULL);
}

bool should_fail(std::string_view what, int one_in) {
    setting& shared = current();
    const std::unique_lock lock(shared.mutex);
    const bool by_chance = shared.chance() % static_cast<std::uint64_t>(one_in) == 0;
    if (shared.failures.empty()) return by_chance;
    const auto planned = shared.failures.find(what);
    return planned != shared.failures.end() && --planned->second == 0;
}

void time_sleep(std::chrono::duration<double> delay) {
    if (!current().is_virtual) return std::this_thread::sleep_for(delay);
    current().elapsed += to_duration(delay);
    current().last_seen += to_duration(delay);
}

}  // namespace mayhem::examples
